import type { Owned, FileSpec } from '../kinds/file.ts'
import { homeId } from '../kinds/file.ts'
import type { HomeSpec } from '../kinds/home.ts'
import { grepPattern } from '../kinds/process-lab.ts'
import { ABILITIES } from '../kinds/process-scripts.ts'
import { homeOfProcess, idOfProcess } from '../kinds/process-start.ts'
import type { ProcessSpec, Ready } from '../kinds/process.ts'
import type { SetupSpec } from '../kinds/setup.ts'
import { hostsIn } from '../model/names.ts'
import type { Resource, Resources } from '../model/resource.ts'
import { comment, line, withInput, word } from './script-words.ts'

/** The functions of a script that has homes or programs. */
export const HOME_FUNCTIONS = `
# home NAMESPACE HOSTNAME FOLDER...: gives the programs of a namespace a host name and folders of their own. What they write
# there stays in memory. A sleeping program keeps it all.
home() {
  setsid ip netns exec "$1" unshare --mount --uts sh -c '
    own=$1/$2
    hostname "$3"
    shift 3
    mkdir -p "$own" && mount -n -t tmpfs -o mode=755 none "$own" && mkdir -p "$own/run/lock" || exit
    for folder; do
      mkdir -p "$own/upper$folder" "$own/work$folder"
      mount -n -t overlay -o "lowerdir=$folder,upperdir=$own/upper$folder,workdir=$own/work$folder" none "$folder" || exit
    done
    mount -n --bind "$own/run" /run && mkdir /run/ready && exec sleep 2147483647' sh "$state" "$@" </dev/null >"$state/$1.log" 2>&1 &
  echo "$!" >"$state/$1.home"
  echo "$! KILL" >>"$state/programs"
  until [ -d "/proc/$!/root/run/ready" ]; do
    kill -0 "$!" || stop "The programs of $1 cannot have files of their own: $(cat "$state/$1.log")"
    sleep 0.05
  done
}

# inside NAMESPACE COMMAND...: runs a command where the files of the namespace are.
inside() {
  namespace=$1
  shift
  nsenter --target "$(cat "$state/$namespace.home")" --net --mount --uts -- "$@"
}

# start NAME SIGNAL COMMAND...: runs a program in the background, with its output in a file, until this script destroys the lab.
start() {
  name=$1 signal=$2
  shift 2
  setsid "$@" </dev/null >"$state/$name.log" 2>&1 &
  echo "$! $signal" >>"$state/programs"
}

# start_inside NAME SIGNAL NAMESPACE COMMAND...: the same, where the files of a namespace are.
start_inside() {
  name=$1 signal=$2 namespace=$3
  shift 3
  start "$name" "$signal" nsenter --target "$(cat "$state/$namespace.home")" --net --mount --uts -- "$@"
}

# ready NAME SECONDS COMMAND...: waits until a command succeeds.
ready() {
  name=$1 tries=$(($2 * 10))
  shift 2
  until "$@" >/dev/null 2>&1; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || stop "$name is not ready. Its output is in $state/$name.log"
    sleep 0.1
  done
}
`

/** The lines that give namespaces homes with files, and start the programs of a lab, in the order in which they wait for each other. */
export function homeLines(lab: string, desired: Resources): string[] {
  const of = <S extends object>(kind: string): Resource<S>[] =>
    [...desired.values()].filter((r) => r.kind === kind) as unknown as Resource<S>[]
  const folders = of<Owned>('folder')
  const files = of<FileSpec>('file')
  const homes = of<HomeSpec>('home').flatMap(({ namespace, spec }) => {
    const own = <R extends Resource<any>>(all: readonly R[]): R[] => all.filter((r) => r.namespace === namespace)
    const hosts = `127.0.0.1 localhost\n::1 localhost\n${hostsIn(desired)}`
    const isGiven = own(files).some((r) => r.spec.path === '/etc/hosts')
    return [
      '',
      line('home', namespace, spec.hostname, '/etc', '/var', ...(spec.layers ?? [])),
      ...(isGiven ? [] : [withInput(`${line('inside', namespace, 'tee', '/etc/hosts')} >/dev/null`, hosts)]),
      ...own(folders).flatMap((r) => folderLines(namespace, r.spec)),
      ...own(files).map((r) => fileLine(namespace, r.spec)),
    ]
  })
  const setups = of<SetupSpec>('setup').flatMap((r) => [
    comment(`The setup of ${r.namespace}.`),
    ...r.spec.commands.map((argv) => line(...insideWords(r, r.namespace), ...argv)),
  ])
  const programs = inTurn(of<ProcessSpec>('process')).flatMap((r) => ['', ...programLines(lab, r)])
  return [...homes, ...(setups.length ? ['', ...setups] : []), ...programs]
}

const insideWords = ({ borrowed }: Resource<any>, home: string): string[] => (borrowed ? [] : ['inside', home])

const ownerWords = ({ owner }: Owned): { readonly user: string; readonly group: string } | undefined => {
  const [user, group] = owner?.split(':') ?? []
  if (user === undefined) return undefined
  return { user, group: group !== undefined ? word(group) : /^\d+$/.test(user) ? user : `"$(id -gn ${word(user)})"` }
}

function folderLines(namespace: string, spec: Owned): string[] {
  const owner = ownerWords(spec)
  const run = (...words: string[]): string => line('inside', namespace, ...words)
  return [
    run('mkdir', '-p', spec.path),
    run('mount', '-n', '-t', 'tmpfs', '-o', `mode=${spec.mode}`, 'none', spec.path),
    ...(owner ? [`${run('chown')} ${word(owner.user)}:${owner.group} ${word(spec.path)}`] : []),
  ]
}

function fileLine(namespace: string, spec: FileSpec): string {
  const owner = ownerWords(spec)
  const as = owner ? ` -o ${word(owner.user)} -g ${owner.group}` : ''
  const install = `${line('inside', namespace, 'install', '-D', '-m', spec.mode)}${as} /dev/stdin ${word(spec.path)}`
  if (spec.base64 === undefined) return withInput(install, spec.text ?? '')
  const lines = spec.base64.replace(/.{76}(?!$)/g, '$&\n')
  return withInput('base64 -d', `${lines}\n`).replace('\n', ` | ${install}\n`)
}

/** The processes, each after those that it comes after. */
function inTurn(processes: readonly Resource<ProcessSpec>[]): Resource<ProcessSpec>[] {
  const byId = new Map(processes.map((r) => [r.id, r]))
  const result = new Set<Resource<ProcessSpec>>()
  const visit = (r: Resource<ProcessSpec>): void => {
    if (result.has(r)) return
    for (const name of r.spec.after ?? []) {
      const before = byId.get(idOfProcess(name))
      if (before) visit(before)
    }
    result.add(r)
  }
  processes.forEach(visit)
  return [...result]
}

/** How long a program may take to be ready, in seconds. */
const PATIENCE = 30

function programLines(lab: string, r: Resource<ProcessSpec>): string[] {
  const { name, command, env = {}, cwd, user, group, ready, once, restart, stop = 'SIGTERM', dir } = r.spec
  const home = homeOfProcess(r).slice(0, -homeId('').length)
  const mentions = (variable: string): boolean => JSON.stringify([command, env]).includes(variable)
  const variables = Object.entries({
    ...(mentions('NETLAB_LAB') && { NETLAB_LAB: lab }),
    ...(mentions('NETLAB_NAMESPACE') && { NETLAB_NAMESPACE: r.namespace }),
    ...(mentions('NETLAB_DIR') && dir !== undefined && { NETLAB_DIR: dir }),
    ...env,
  }).map(([key, text]) => `${key}=${text}`)
  const folder = cwd === undefined ? [] : ['-C', cwd]
  const as = user === undefined && group === undefined ? '' : `${identity(user, group)} `
  const plain = line(...(folder.length + variables.length ? ['env', ...folder, ...variables] : []), ...command)
  const run = `${as}${plain}`
  const called = `${r.namespace}.${name}`
  const seconds = String(Math.ceil(ready?.timeout ?? PATIENCE))
  const within = line(...insideWords(r, home))
  const restarts =
    restart === undefined || once
      ? []
      : [comment(`A script does not start it again when it ends (restart: ${restart}).`)]
  if (once && restart) return [comment(`${r.id} runs once, again until it succeeds.`), `${line('ready', called, seconds)} ${within} ${run}`] // prettier-ignore
  if (once) return [comment(`${r.id} runs once.`), `${within} ${run}`.trim()]
  const start = r.borrowed ? line('start', called, stop.slice(3)) : line('start_inside', called, stop.slice(3), home)
  return [
    comment(`${r.id} runs until the lab is destroyed.`),
    ...restarts,
    `${start} ${run}`,
    ...conditions(ready ?? {}, called).map((words) =>
      `${line('ready', called, seconds)} ${words(within)}`.replace(/ +/g, ' '),
    ),
  ]
}

/** The words that run a command as this user and group. */
function identity(user: string | undefined, group: string | undefined): string {
  const primary = user === undefined ? '' : /^\d+$/.test(user) ? user : `"$(id -g ${word(user)})"`
  const who = user === undefined ? [] : [`--reuid=${word(user)}`]
  const groups = user !== undefined && !/^\d+$/.test(user) ? '--init-groups' : '--clear-groups'
  const abilities = `--inh-caps=${ABILITIES} --ambient-caps=${ABILITIES}`
  return ['setpriv', ...who, `--regid=${group === undefined ? primary : word(group)}`, groups, abilities, '--'].join(
    ' ',
  )
}

/** The commands that succeed when a program is ready, from the words that run them where it is. */
function conditions({ tcp, udp, file, log, run }: Ready, called: string): ((within: string) => string)[] {
  const listens = (option: string, port: number) => (within: string) =>
    `${within} ${line('sh', '-c', `ss -Hln${option} 'sport = :${port}' | grep -q .`)}`
  return [
    ...(tcp === undefined ? [] : [listens('t', tcp)]),
    ...(udp === undefined ? [] : [listens('u', udp)]),
    ...(file === undefined ? [] : [(within: string) => `${within} ${line('test', '-e', file)}`]),
    ...(log === undefined ? [] : [() => `grep -qP -- ${word(grepPattern(log))} "$state/${called}.log"`]),
    ...(run === undefined ? [] : [(within: string) => `${within} ${line(...run)}`]),
  ]
}
