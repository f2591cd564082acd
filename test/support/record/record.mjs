// Records what the kernel and its tools say about labs: `node test/support/record/record.mjs [CASE...]`, as root.
// Without names: every case. Those that this machine's kernel cannot have are recorded in the virtual machine of scripts/vm.sh.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import esbuild from 'esbuild'

process.chdir(resolve(dirname(fileURLToPath(import.meta.url)), '../../..'))
const root = 'test/fixtures/dumps'
const print = process.argv.includes('--print')
const named = process.argv.slice(2).filter((word) => word !== '--print')
const needsVm = (name) => /^# vm/m.test(readFileSync(join(root, name, 'lab.yaml'), 'utf8'))
const cases = named.length ? named : readdirSync(root)

/** The files of a case, by name. */
async function record(name) {
  const folder = mkdtempSync(join(tmpdir(), 'netlab-record-'))
  try {
    const bundle = (entry, outfile, alias = {}) =>
      esbuild.build({ entryPoints: [entry], bundle: true, platform: 'node', logLevel: 'error', outfile, alias })
    await bundle('test/support/record/world.ts', join(folder, 'world.cjs'))
    await bundle('test/support/record/driver.ts', join(folder, 'driver.cjs'), {
      execa: './test/support/record/execa.ts',
    })
    const argv = [join(folder, 'world.cjs'), folder, join(root, name)]
    const { stdout, stderr, status } = spawnSync(process.execPath, argv, { encoding: 'utf8', maxBuffer: 1 << 30 })
    if (status !== 0) throw new Error(`${name}: ${stderr}`)
    return JSON.parse(stdout)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function recordInVm(name) {
  const argv = [process.execPath, 'test/support/record/record.mjs', '--print', name]
  const { stdout, stderr, status } = spawnSync('scripts/vm.sh', argv, { encoding: 'utf8', maxBuffer: 1 << 30 })
  if (status !== 0) throw new Error(`${name}: ${stderr}${stdout}`)
  return JSON.parse(stdout.slice(stdout.indexOf('{"')))
}

for (const name of cases) {
  const files = needsVm(name) && !print ? recordInVm(name) : await record(name)
  if (print) process.stdout.write(JSON.stringify(files))
  else {
    const folder = join(root, name)
    for (const file of readdirSync(folder))
      if (/\.(programs|netns)$|^(netlink|machine)\.json$/.test(file)) rmSync(join(folder, file))
    for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text)
    console.log(`${name}: ${Object.keys(files).length} files`)
  }
}
