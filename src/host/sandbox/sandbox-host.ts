import { APART, type Confines, type Host } from '../../model/host.ts'
import { userConfines } from '../local/confines.ts'
import { thisMachine } from '../this-machine.ts'

/** Messages of programs that fail to change to another user: tcpdump, setpriv, nginx, dnsmasq, sshd, … */
const DROPPING =
  /\bset(re|res|e)?[ug]id|\b(set|init)groups|change to '.*' uid|cannot change (user|group)|drop privileges/i

const HINT =
  'A program that becomes another user cannot start here: this sandbox has one user id. Give it an option to stay root ' +
  '(tcpdump -Z root), or get more ids: install newuidmap (package uidmap), grant them in /etc/subuid and /etc/subgid, ' +
  'and begin with a new sandbox.'

/** Whether the sandbox has one user id (docs/rootless.md). */
const hasOneId = (): boolean => thisMachine.readFile('/proc/self/uid_map')?.trim().endsWith(' 1') === true

/** Whether it is root's own sandbox, in which the user ids are the machine's (map_ids in sandbox.sh). */
const isRoots = (): boolean => /^\s*0\s+0\s/.test(thisMachine.readFile('/proc/self/uid_map') ?? '')

/** What labs lack here: that is tried. */
function confines(machine: boolean): Confines {
  const { hides, ...rest } = userConfines()
  const exists = (key: string): boolean => thisMachine.exists(`/proc/sys/${key.replaceAll('.', '/')}`)
  return { ...rest, machine, severity: 'error', hides: (key) => hides(key) && !exists(key) }
}

/**
 * The throw-away sandbox that this process is in (apart.sh), as a host. Its own network namespace takes the place of the
 * machine's own.
 */
export const apartHost: Host = {
  ...thisMachine,
  otherWorlds: () => [],
  confines: () => confines(true),
  explain: (message) => (DROPPING.test(message) && hasOneId() ? HINT : undefined),
}

/** Whether this process is in a throw-away sandbox. */
export const isApart = (): boolean => thisMachine.exists(APART)

/**
 * The sandbox that this process is in, as a host: the machine, as far as the sandbox shows it. Programs that outlive this
 * process get the variables `lasting`.
 */
export const sandboxHost = (lasting: Readonly<Record<string, string>>): Host => ({
  ...thisMachine,
  isSandbox: true,
  // sandbox.sh has put the machine's /run there.
  otherWorlds: () => [
    {
      where: 'on the machine itself',
      call: isRoots() ? 'without --sandbox: netlab' : 'sudo netlab',
      namespaces: thisMachine.list('/run/.machine/netns'),
    },
  ],
  confines: () => confines(false),
  explain: (message) => (DROPPING.test(message) && hasOneId() ? HINT : undefined),
  startLasting: (command, env) => thisMachine.start(command, { ...env, ...lasting }),
})
