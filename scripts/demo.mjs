// `npm run demo`: applies the router lab on this machine (without root: in a sandbox), pings through it, and says what to try next.
import { spawnSync } from 'node:child_process'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

process.chdir(resolve(dirname(fileURLToPath(import.meta.url)), '..'))

const lab = 'labs/router.yaml'
const colors = process.stdout.isTTY && !process.env.NO_COLOR
const paint = (code) => (text) => (colors ? `\x1b[${code}m${text}\x1b[0m` : text)
const [bold, dim, green] = [1, 2, 32].map(paint)

/** A command as the user would type it. */
const typed = (command) => command.replace(/^netlab/, 'dist/netlab.cjs')

/** Prints and runs a command. Returns why it failed, or undefined. */
function run(title, command) {
  console.log(`\n${bold(title)}\n${dim('$')} ${typed(command)}`)
  const argv = command.split(' ')
  const path = `${process.env.PATH}:/usr/local/sbin:/usr/sbin:/sbin`
  const { status, signal, error } = spawnSync(process.execPath, ['dist/netlab.cjs', ...argv.slice(1)], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, PATH: path },
  })
  return status === 0 ? undefined : (error?.message ?? (signal ? `ended by ${signal}` : `exit code ${status}`))
}

/** Runs a command. If it fails, what the demo applied is taken away, and the demo ends. `apply` itself takes back what it did. */
function show(title, command) {
  const problem = run(title, command)
  if (problem === undefined) return
  console.error(`\nThat failed: ${problem}.`)
  if (!command.startsWith('netlab apply')) run('Taking the lab away again', `netlab destroy ${lab} -y`)
  process.exit(1)
}

process.on('SIGINT', () => {}) // Ctrl-C ends the command that runs, and with it the demo

show(`The plan for ${lab}, and making it so`, `netlab apply ${lab} -y`)
show('ns0 reaches ns1 through the router', 'netlab exec ns0 -- ping -c 2 192.168.1.2')
show('and ns1 reaches ns0', 'netlab exec ns1 -- ping -c 2 192.168.0.2')
show('What is live now', `netlab show ${lab}`)

const next = [
  ['look around in a namespace', 'netlab exec ns-router -- ip route'],
  ['break something', 'netlab exec ns0 -- ip route del 192.168.1.0/24'],
  ['see exactly that', `netlab plan ${lab}`],
  ['with the commands that repair it', `netlab plan ${lab} --commands`],
  ['repair it', `netlab apply ${lab}`],
  ['take everything away', `netlab destroy ${lab}`],
].map(([why, command]) => [typed(command), why])
const width = Math.max(...next.map(([command]) => command.length))

console.log(`\n${green(bold('The lab is live and stays until you destroy it.'))} Try next:\n`)
for (const [command, why] of next) console.log(`  ${command.padEnd(width)}   ${dim(`# ${why}`)}`)
