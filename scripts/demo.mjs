// `npm run demo`: the router lab, live on this machine: what apply does, proof by ping, and what to try next.
import { spawnSync } from 'node:child_process'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

process.chdir(resolve(dirname(fileURLToPath(import.meta.url)), '..'))

const lab = 'labs/router.yaml'
const colors = process.stdout.isTTY && !process.env.NO_COLOR
const paint = (code) => (text) => (colors ? `\x1b[${code}m${text}\x1b[0m` : text)
const [bold, dim, green] = [1, 2, 32].map(paint)

const isRoot = process.getuid() === 0
const sudo = isRoot ? [] : ['sudo', '-n']
if (!isRoot && spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status !== 0) {
  console.error(`Network namespaces on the machine itself need root. Everything is built; type

  sudo ${process.execPath} scripts/demo.mjs
`)
  process.exit(1)
}

/** A command as one types it here; sudo's PATH need not have this Node. */
const typed = (command) =>
  isRoot
    ? command.replace(/^netlab/, 'dist/netlab.cjs')
    : `sudo ${command.replace(/^netlab/, `${process.execPath} dist/netlab.cjs`)}`

/** Runs a command before the reader's eyes; the demo ends when it fails. */
function show(title, command) {
  console.log(`\n${bold(title)}\n${dim('$')} ${typed(command)}`)
  const argv = command.split(' ')
  const program = argv[0] === 'netlab' ? [process.execPath, 'dist/netlab.cjs'] : [argv[0]]
  const [first, ...rest] = [...sudo, ...program, ...argv.slice(1)]
  const path = `${process.env.PATH}:/usr/local/sbin:/usr/sbin:/sbin`
  const { status, error } = spawnSync(first, rest, {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, PATH: path },
  })
  if (status === 0) return
  console.error(
    `\nThat failed (${error?.message ?? `exit code ${status}`}). To take the lab away: ${typed(`netlab destroy ${lab}`)}`,
  )
  process.exit(1)
}

show(`The plan for ${lab}, and making it so`, `netlab apply ${lab} -y`)
show('ns0 reaches ns1 through the router', 'ip netns exec ns0 ping -c 2 192.168.1.2')
show('and ns1 reaches ns0', 'ip netns exec ns1 ping -c 2 192.168.0.2')
show('What is live now', `netlab show ${lab}`)

const next = [
  ['look around in a namespace', 'ip netns exec ns-router ip route'],
  ['break something', 'ip -n ns0 route del 192.168.1.0/24'],
  ['see exactly that', `netlab plan ${lab}`],
  ['with the commands that repair it', `netlab plan ${lab} --commands`],
  ['repair it', `netlab apply ${lab}`],
  ['take everything away', `netlab destroy ${lab}`],
].map(([why, command]) => [typed(command), why])
const width = Math.max(...next.map(([command]) => command.length))

console.log(`\n${green(bold('The lab is live and stays until you destroy it.'))} Try next:\n`)
for (const [command, why] of next) console.log(`  ${command.padEnd(width)}   ${dim(`# ${why}`)}`)
