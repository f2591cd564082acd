// Breaks the code on purpose, one thing at a time, and says whether the unit tests notice: `node test/support/breaks.mjs [NUMBER...]`.
// It works on a copy of the checkout in a temporary folder. It ends with 1 when fewer than `ENOUGH` of them are noticed.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** What is wrong then, where, and how: a text that is there once, and what stands there instead. */
const breaks = [
  [
    'a namespace of another lab is taken for the lab’s own',
    'src/observe/read.ts',
    'const owned = name === root || ownerOfDump(dump) === lab',
    'const owned = name === root || ownerOfDump(dump) !== undefined',
  ],
  [
    'sysctls that an earlier apply has set are forgotten',
    'src/observe/read.ts',
    'if (dropped.length) set.set(name, dropped)',
    'if (dropped.length > 99) set.set(name, dropped)',
  ],
  [
    'in the machine’s own namespace what stands on any marked device is the lab’s',
    'src/observe/read.ts',
    'const mine = !onDevice || marks.get(String(dev)) === lab',
    'const mine = !onDevice || marks.has(String(dev))',
  ],
  [
    'the other end of a cable is looked for at its own index',
    'src/observe/read.ts',
    'lowerIndex(namespace, link) : (link.link_index ?? 0)',
    'lowerIndex(namespace, link) : (link.ifindex ?? 0)',
  ],
  [
    'sysctls that the lab sets count only where they differ from the defaults',
    'src/observe/found.ts',
    'sysctlsThatDiffer(dump.sysctls, [...(request.sysctls.get(name) ?? []), ...more])',
    'sysctlsThatDiffer(dump.sysctls, [...more])',
  ],
  [
    'entries for which the machine answers are not among the neighbours',
    'src/backend/netlink/dump.ts',
    '[neighborAnswer, proxyAnswer].flatMap',
    '[neighborAnswer].flatMap',
  ],
  [
    'the weight of a way is one too small',
    'src/backend/netlink/read-routes.ts',
    'weight: (bytes[at + 3] ?? 0) + 1',
    'weight: bytes[at + 3] ?? 0',
  ],
  [
    'an address with a remote one loses it',
    'src/backend/netlink/read-addresses.ts',
    'local !== other && { address: other }',
    'local === other && { address: other }',
  ],
  [
    'the VNI of a forwarding entry is read from the wrong end',
    'src/backend/netlink/read-fdb.ts',
    'found.vni = bytes.readUInt32LE(from)',
    'found.vni = bytes.readUInt32BE(from)',
  ],
  [
    'a run goes on after a step that failed',
    'src/run/execute.ts',
    'if (failed && !isMoot(failed, failure.outcome)) {',
    'if (failed && !isMoot(failed, failure.outcome) && rest.length < 2) {',
  ],
  [
    'any step that finds nothing is taken for done',
    'src/run/execute.ts',
    'stageOf(stage).removes === true && GONE.test(stderr)',
    'GONE.test(stderr)',
  ],
  [
    'a rollback undoes also what somebody else has changed meanwhile',
    'src/commands/rollback.ts',
    "touched.has(id) || action === 'create'",
    "touched.has(id) || action !== 'delete'",
  ],
  [
    'a rollback says that it is complete whatever is left',
    'src/commands/rollback.ts',
    'const complete = !unnamed && left.length === 0',
    'const complete = !unnamed && left.length >= 0',
  ],
  [
    'a saved plan is carried out whatever has changed since',
    'src/commands/prepare.ts',
    'if (saved) mustBeFresh(saved, live.resources)',
    'if (saved && !saved.plan) mustBeFresh(saved, live.resources)',
  ],
  [
    'what is somebody else’s is not an obstacle',
    'src/commands/prepare.ts',
    "if (!resource || resource.kind === 'existing' || adopted.has(id)) return []",
    "if (!resource || resource.kind !== 'address' || adopted.has(id)) return []",
  ],
  ['a saved plan can be read by everybody', 'src/commands/saved.ts', '0o600', '0o644'],
  [
    'a saved plan of any version is taken',
    'src/commands/saved.ts',
    "value['netlab_plan'] !== FORMAT",
    "value['netlab_plan'] === undefined",
  ],
  [
    'a saved plan may have other steps than its lab file asks for',
    'src/commands/prepare.ts',
    'if (saved) mustBeSame(saved, plan)',
    'if (saved && !saved.plan) mustBeSame(saved, plan)',
  ],
  [
    'the program ip is not told who made a route',
    'src/backend/iproute/spell-route.ts',
    "(protocol === undefined ? [] : ['proto', String(protocol)])",
    "(protocol !== undefined ? [] : ['proto', String(protocol)])",
  ],
  [
    'what the JSON of ip hides of a route is not asked for',
    'src/backend/iproute/ip-runner.ts',
    'routes.some(isHidden) ? await askRoutes(host, netns) : routes',
    'routes.every(isHidden) ? await askRoutes(host, netns) : routes',
  ],
]
/** As many of them are noticed, at least. */
const ENOUGH = breaks.length - 2

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..')
const chosen = process.argv.slice(2).map(Number)

/** Whether the unit tests that are about these parts fail in this copy; the others take long and would notice no more. */
function isNoticed(folder) {
  const argv = ['node_modules/jest/bin/jest.js', '--bail', '--silent', '--selectProjects', 'unit']
  const near = ['--testPathPatterns', 'test/(observe|commands|backend|run|plan)/']
  return spawnSync(process.execPath, [...argv, ...near], { cwd: folder, stdio: 'ignore' }).status !== 0
}

const folder = mkdtempSync(join(tmpdir(), 'netlab-breaks-'))
let [noticed, tried] = [0, 0]
try {
  for (const part of [
    'src',
    'test',
    'labs',
    'scripts',
    'docs',
    'schemas',
    'jest.config.js',
    'package.json',
    'tsconfig.json',
  ])
    cpSync(join(root, part), join(folder, part), { recursive: true })
  for (const part of ['node_modules', 'dist']) symlinkSync(join(root, part), join(folder, part))
  if (isNoticed(folder)) throw new Error('the unit tests fail as it is')
  for (const [place, [what, file, search, replacement]] of breaks.entries()) {
    if (chosen.length && !chosen.includes(place + 1)) continue
    const before = readFileSync(join(root, file), 'utf8')
    if (before.split(search).length !== 2) {
      console.log(`${place + 1}  does not apply any more: ${what} (${file})`)
      continue
    }
    writeFileSync(
      join(folder, file),
      before.replace(search, () => replacement),
    )
    const ok = isNoticed(folder)
    writeFileSync(join(folder, file), before)
    tried++
    if (ok) noticed++
    console.log(`${place + 1}  ${ok ? 'noticed' : 'MISSED '}  ${what} (${file})`)
  }
} finally {
  rmSync(folder, { recursive: true })
}
console.log(`${noticed} of ${tried} noticed`)
process.exitCode = chosen.length || noticed >= ENOUGH ? 0 : 1
