import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { UserError } from '../../model/diagnostic.ts'
import { lock } from '../lock.ts'
import { doorOf, find, firstHolderArgv, orphans, type Sandbox } from './holder.ts'
import { mapIds } from './ids.ts'
import { isRemembered, remember } from './memory.ts'
import { refusal } from './refusal.ts'

/** How long another netlab that is making the same sandbox is waited for, in milliseconds. */
const PATIENCE = 30_000

/**
 * Makes a sandbox out of fresh namespaces: an empty /run/netns, and everything else that the machine has in /run, lo up,
 * a /sys that shows its interfaces. A whole /run of its own also gives iptables-legacy its lock file and logs their place.
 * That it can be written to and that lo goes up is the proof that the kernel lets it be a sandbox.
 */
const SETUP = `
set -e
mount -n -t tmpfs -o mode=755 netlab /tmp
mkdir /tmp/netns /tmp/netlab /tmp/lock /tmp/.machine
mount -n --rbind /run /tmp/.machine
door=$1
cd /run
set --
for entry in * .[!.]*; do
  case $entry in
    '*' | '.[!.]*' | netns | netlab | netlab-* | lock | xtables.lock | .machine) ;;
    *) set -- "$@" ".machine/$entry" ;;
  esac
done
cd /
[ $# -eq 0 ] || ln -s -- "$@" /tmp
mount -n --move /tmp /run
mount -n -t sysfs sysfs /sys 2>/dev/null || :
ip link set dev lo up
mkfifo -m 600 "$door"`

/** Enters the namespaces of a process; what is set up there needs the capabilities that entering gives. */
const into = (pid: number): string[] => ['--preserve-credentials', '-U', '-m', '-n', '-t', String(pid), '--']

/**
 * Finds the user's sandbox of this name, or makes it; one of two that do so at once waits for the other. `note` is told
 * what became of an earlier one that was not ended by netlab. Throws a UserError with the way out when the machine does
 * not allow it.
 */
export async function findOrStart(name: string, note: (text: string) => void): Promise<Sandbox> {
  const found = find(name)
  if (found) return found
  const release = await lock(`sandbox/${process.geteuid?.()}/${name}`, PATIENCE, () => {})
  try {
    const made = find(name)
    if (made) return made
    tidy(name, note)
    const sandbox = { pid: await start(name), name }
    remember(name)
    return sandbox
  } finally {
    release()
  }
}

/** Ends what a holder that was killed has left behind. */
function tidy(name: string, note: (text: string) => void): void {
  const left = orphans(name)
  for (const pid of left) process.kill(pid, 'SIGKILL')
  if (left.length === 0 && !isRemembered(name)) return
  note(
    `The sandbox ${name === 'default' ? 'of your labs' : name} was ended from outside: what was in it is gone` +
      `${left.length ? `, and ${left.length} processes that were left are ended` : ''}. This is a new one.\n`,
  )
}

async function start(name: string): Promise<number> {
  const argv = ['--user', '--mount', '--net', '--propagation', 'slave', '--', ...firstHolderArgv(name)]
  const env = { PATH: process.env['PATH'], LC_ALL: 'C' }
  const holder = spawn('unshare', argv, { detached: true, stdio: ['pipe', 'pipe', 'pipe'], cwd: '/', env })
  const missing = once(holder, 'error').then((): never => {
    throw UserError.of('unshare: command not found', 'It comes with util-linux.')
  })
  let words = ''
  holder.stderr.setEncoding('utf8').on('data', (text: string) => (words += text))
  holder.stdin.on('error', () => {}) // it may be gone before its input is
  const ended = once(holder, 'close').then(() => words.trim())
  const obstacle = await Promise.race([once(holder.stdout, 'data').then(() => undefined), ended, missing])
  const pid = holder.pid
  if (obstacle !== undefined || pid === undefined) throw refusal(obstacle || 'unshare ended')
  try {
    mapIds(pid)
    const setup = spawnSync('nsenter', [...into(pid), 'sh', '-c', SETUP, 'sh', doorOf(name)], { env, encoding: 'utf8' })
    if (setup.status !== 0) throw refusal(setup.error?.message ?? setup.stderr.trim())
  } catch (error) {
    holder.kill('SIGKILL')
    throw error instanceof UserError ? error : refusal((error as Error).message)
  }
  holder.stdin.end('\n')
  holder.stdout.destroy()
  holder.stderr.destroy()
  holder.unref()
  return pid
}
