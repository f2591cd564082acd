import type { Code } from '../model/diagnostic-codes.ts'
import type { Diagnostic } from '../model/diagnostic.ts'
import type { Host } from '../model/host.ts'
import { machineIn } from '../model/other-machine.ts'
import { lenderText, LENDERS, type Lender } from '../model/lender.ts'
import { fileOf } from '../model/place.ts'

/** Somebody else's namespaces, as far as they were found. */
export interface Lent {
  /** The lab's names → the paths of the namespaces. */
  readonly places: ReadonlyMap<string, string>
  /** What is wrong with the others, by the field of the lab file that names them. */
  readonly problems: readonly Problem[]
}

interface Problem extends Pick<Diagnostic, 'code' | 'summary' | 'detail'> {
  readonly name: string
  readonly field: (typeof LENDERS)[number]
}

/** What is wrong, and what to do; the path where nothing is. */
type Found = { readonly path: string } | Pick<Problem, 'code' | 'summary' | 'detail'>

const wrong = (code: Code, summary: string, detail: string): Found => ({ code, summary, detail })

/** Finds somebody else's namespaces, but for those on other machines, which are found there. Runs one program for all containers, once for each of podman and docker that is installed. */
export async function findLenders(
  namespaces: ReadonlyMap<string, { readonly lender?: Lender; readonly borrowed?: string }>,
  host: Host,
): Promise<Lent> {
  const lenders = [...namespaces].flatMap(([name, { lender, borrowed }]) =>
    lender && machineIn(borrowed) === undefined ? [[name, lender] as const] : [],
  )
  const containers = await findContainers(
    lenders.flatMap(([, { container }]) => container ?? []),
    host,
  )
  const own = host.status('/proc/self/ns/net')
  const places = new Map<string, string>()
  const problems: Problem[] = []
  const taken = new Map<number, string>()
  for (const [name] of namespaces) {
    const inode = namespaces.get(name)?.lender ? undefined : host.status(fileOf(name))?.inode
    if (inode !== undefined) taken.set(inode, name)
  }
  for (const [name, lender] of lenders) {
    const found = await checked(name, lender, await placeOfLender(lender))
    if ('path' in found) places.set(name, found.path)
    else problems.push({ name, field: LENDERS.find((field) => lender[field] !== undefined) ?? 'netns', ...found })
  }
  return { places, problems }

  async function placeOfLender({ container, pid, netns = '' }: Lender): Promise<Found> {
    if (container !== undefined) return containers(container)
    if (pid !== undefined)
      return host.exists(`/proc/${pid}`)
        ? { path: `/proc/${pid}/ns/net` }
        : wrong(
            'no-lender',
            `there is no process ${pid}`,
            'ps -e lists those that run. A process that is started again has another id.',
          )
    const path = fileOf(netns)
    return host.exists(path)
      ? { path }
      : wrong(
          'no-lender',
          `there is no namespace ${netns}`,
          'Its owner makes it first: ip netns list lists those that have a name.',
        )
  }

  /** A namespace that can be entered, and that is neither the machine's own nor the lab's already. */
  async function checked(name: string, lender: Lender, found: Found): Promise<Found> {
    if (!('path' in found)) return found
    const status = host.status(found.path)
    const what = lenderText(lender)
    if (!status)
      return wrong(
        'no-lender',
        `${what} cannot be looked into`,
        `${found.path}: it has just ended, or this needs root, or an owner who is this user.`,
      )
    if (status.device !== own?.device)
      return wrong(
        'no-lender',
        `${what} is not a network namespace`,
        'Write the path of one: /run/netns/NAME or /proc/PID/ns/net.',
      )
    if (status.inode === own.inode)
      return wrong(
        'no-lender',
        `${what} is in the machine’s own network namespace`,
        'Write root: true instead, or start it in a network namespace of its own (--network none).',
      )
    const other = taken.get(status.inode)
    if (other !== undefined)
      return wrong(
        'no-lender',
        `${what} is in the network namespace ${other}, which the lab has already`,
        `Use ${other} instead.`,
      )
    taken.set(status.inode, name)
    const named = host.status(fileOf(name))
    if (named && named.inode !== status.inode)
      return wrong(
        'foreign-resource',
        `there is another namespace ${name} under /run/netns`,
        `Give that of ${what} another name here, or remove the other one.`,
      )
    // Root can enter all; the sandbox only those of its own user namespace, and of those below it.
    if (!host.isSandbox) return found
    const { code, stderr } = await host.run({ argv: ['true'], netns: found.path })
    return code === 0
      ? found
      : wrong('no-lender', `the sandbox cannot enter the namespace of ${what}`, `${stderr.trim()}\n${AWAY}`)
  }
}

/** A container as `podman container inspect` and `docker container inspect` print it, with the fields that both have. */
interface Inspected {
  readonly Id: string
  /** docker puts a slash before it. */
  readonly Name: string
  readonly State: { readonly Status: string; readonly Pid: number }
}

const PROGRAMS = ['podman', 'docker'] as const

/** What an ordinary user can do about a container. */
const AWAY =
  'An ordinary user’s containers are in a user namespace of their own. As root: sudo netlab, with containers of sudo podman or of docker.'

/** Looks the containers up, by name or id, and returns what finds one of them. */
async function findContainers(wanted: readonly string[], host: Host): Promise<(container: string) => Found> {
  const installed = wanted.length ? PROGRAMS.filter((program) => host.find(program) !== undefined) : []
  const known = await Promise.all(
    installed.map(async (program) => {
      const { stdout, stderr } = await host.run({ argv: [program, 'container', 'inspect', ...new Set(wanted)] })
      return { program, containers: inspected(stdout), words: otherWords(stderr) }
    }),
  )
  return (container) => {
    const ids = known.flatMap(({ program, containers }) =>
      containers.flatMap((one) => (isCalled(one, container) ? [{ program, ...one }] : [])),
    )
    const [first, second] = ids
    if (installed.length === 0)
      return wrong(
        'program-missing',
        `neither podman nor docker is installed, so container ${container} cannot be found`,
        'Install one of them, or name the namespace by a process of the container (pid) or by its file (netns).',
      )
    if (!first)
      return wrong(
        'no-lender',
        `${installed.join(' and ')} ${installed.length > 1 ? 'know' : 'knows'} no container ${container}`,
        [
          ...known.flatMap(({ words }) => words),
          ...(host.isSandbox ? [AWAY] : []),
          `${installed.map((program) => `${program} ps -a`).join(' and ')} list those that there are.`,
        ].join('\n'),
      )
    if (second)
      return wrong(
        'no-lender',
        `there is a container ${container} of ${first.program} and one of ${second.program}`,
        'Write the id of the one that is meant, or the id of a process of it: pid: N.',
      )
    const { Status, Pid } = first.State
    return Pid > 0
      ? { path: `/proc/${Pid}/ns/net` }
      : wrong(
          'no-lender',
          `container ${container} does not run: it is ${Status}`,
          `Start it first: ${first.program} start ${container}`,
        )
  }
}

const isCalled = ({ Id, Name }: Inspected, text: string): boolean =>
  Name.replace(/^\//, '') === text || (/^[0-9a-f]{8,}$/.test(text) && Id.startsWith(text))

/** What a program has printed, as far as it is what is expected: it names what it does not know on standard error. */
function inspected(text: string): Inspected[] {
  try {
    const all = JSON.parse(text) as Partial<Inspected>[]
    return all.filter(
      (one): one is Inspected =>
        typeof one.Id === 'string' &&
        typeof one.Name === 'string' &&
        typeof one.State?.Status === 'string' &&
        Number.isSafeInteger(one.State.Pid),
    )
  } catch {
    return []
  }
}

/** What a program says but that there is no such container: that its daemon does not run. */
const otherWords = (stderr: string): string[] =>
  stderr.split('\n').filter((line) => line.trim() !== '' && !/no such (container|object)/i.test(line))
