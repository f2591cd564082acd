import type { Owned, FileSpec } from '../kinds/file.ts'
import { homeId } from '../kinds/file.ts'
import type { HomeSpec } from '../kinds/home.ts'
import { grepPattern } from '../kinds/process-lab.ts'
import { ABILITIES } from '../kinds/process-scripts.ts'
import { homeOfProcess, idOfProcess } from '../kinds/process-start.ts'
import type { ProcessSpec, Ready } from '../kinds/process.ts'
import type { SetupSpec } from '../kinds/setup.ts'
import { HOME_NOTES, noteOf } from '../model/live-home.ts'
import { hostsIn } from '../model/names.ts'
import type { Resource, Resources } from '../model/resource.ts'
import { comment, line, withInput, word } from './script-words.ts'

/** The functions of a script that has homes or programs. */
export const HOME_FUNCTIONS = `
# home NAMESPACE HOSTNAME FOLDER...: gives the programs of a namespace a host name and folders of their own. What they write
# there stays in memory. A sleeping program keeps it all; in its own /run, the machine's /run is .world. By the variable and
# what is in .netlab, netlab would know it: netlab plan --adopt.
home() {
  setsid env "NETLAB_HOME=$lab/$1" ip netns exec "$1" unshare --mount --uts sh -c '
    own=$1/$2
    hostname "$3"
    mkdir -p "$own" && mount -n -t tmpfs -o mode=755 none "$own" || exit
    mkdir -p "$own/run/lock" "$own/run/.world" "$own/run/.netlab/files" "$own/run/.netlab/loaded"
    printf %s "$3" >"$own/run/.netlab/hostname"
    shift 3
    for folder; do
      mkdir -p "$own/upper$folder" "$own/work$folder"
      mount -n -t overlay -o "lowerdir=$folder,upperdir=$own/upper$folder,workdir=$own/work$folder" none "$folder" || exit
      case $folder in /etc | /var) ;; *) echo "$folder" >>"$own/run/.netlab/layers" ;; esac
    done
    ln -s .world/netns "$own/run/netns" && mount -n --rbind /run "$own/run/.world" && mount -n --rbind "$own/run" /run || exit
    mkdir /run/ready && exec sleep 2147483647' sh "$state" "$@" </dev/null >"$state/$1.log" 2>&1 &
  echo "$!" >"$state/$1.home"
  echo "$! KILL" >>"$state/programs"
  until [ -d "/proc/$!/root/run/ready" ]; do
    kill -0 "$!" || stop "The programs of $1 cannot have files of their own: $(cat "$state/$1.log")"
    sleep 0.05
  done
}

# note NAMESPACE NAME TEXT: notes for netlab what a home has in it.
note() {
  printf %s "$3" >"/proc/$(cat "$state/$1.home")/root/run/.netlab/$2"
}

# at NAMESPACE: the words that run a command where the files of the namespace are.
at() {
  [ -z "$1" ] || echo "nsenter --target $(cat "$state/$1.home") --net --mount --uts --"
}

# inside NAMESPACE COMMAND...: runs a command where the files of the namespace are.
inside() {
  where=$(at "$1")
  shift
  # shellcheck disable=SC2086 # these are several words
  $where "$@"
}

# start HOME NAMESPACE NAME SIGNAL SETTINGS COMMAND...: runs a program in the background, with its output in a file, until this
# script destroys the lab: where the files of the home are, or, when HOME is empty, on the machine itself. By the variables netlab
# would know the shell that waits for the program.
start() {
  where=$(at "$1") namespace=$2 name=$3 signal=$4 settings=$5
  shift 5
  # shellcheck disable=SC2086 # these are several words
  setsid env "NETLAB_PROCESS=$lab/$namespace/$name" "NETLAB_SPEC=$settings" $where \
    sh -c 'unset NETLAB_SPEC; "$@"; exit' sh "$@" </dev/null >"$state/$namespace.$name.log" 2>&1 &
  echo "$! $signal" >>"$state/programs"
}

# ran HOME NAMESPACE NAME SETTINGS: a sleeping program tells netlab that what runs once has run.
ran() {
  where=$(at "$1")
  # shellcheck disable=SC2086 # these are several words
  setsid env "NETLAB_PROCESS=$lab/$2/$3" "NETLAB_SPEC=$4" NETLAB_DONE=true $where sleep 2147483647 </dev/null >/dev/null 2>&1 &
  echo "$! KILL" >>"$state/programs"
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
    const isGiven = own(files).some((r) => r.spec.path === '/etc/hosts')
    return [
      '',
      line('home', namespace, spec.hostname, '/etc', '/var', ...(spec.layers ?? [])),
      ...(isGiven
        ? []
        : [
            withInput(
              `${line('inside', namespace, 'tee', '/etc/hosts')} >/dev/null`,
              `${LOOPBACK}\n${hostsIn(desired)}`,
            ),
            line('note', namespace, 'loopback', LOOPBACK),
          ]),
      ...own(folders).flatMap((r) => [...folderLines(namespace, r.spec), entryNote(r)]),
      ...own(files).flatMap((r) => [fileLine(namespace, r.spec), entryNote(r)]),
    ]
  })
  const setups = of<SetupSpec>('setup').flatMap((r) => [
    comment(`The setup of ${r.namespace}.`),
    ...r.spec.commands.map((argv) => line(...insideWords(r, r.namespace), ...argv)),
    line('ran', r.borrowed ? '' : r.namespace, r.namespace, 'setup', JSON.stringify(r.spec)),
  ])
  const programs = inTurn(of<ProcessSpec>('process')).flatMap((r) => ['', ...programLines(lab, r)])
  return [...homes, ...(setups.length ? ['', ...setups] : []), ...programs]
}

const LOOPBACK = '127.0.0.1 localhost\n::1 localhost'

/** The line by which netlab would know what is at a path of a home. */
const entryNote = ({ kind, namespace, spec }: Resource<Owned>): string =>
  line('note', namespace, noteOf(spec.path).slice(`${HOME_NOTES}/`.length), `${kind} ${spec.path}`)

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
  const { name, command, env = {}, cwd, user, group, ready, once, restart, stop = 'SIGTERM', dir, files } = r.spec
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
  const settings = JSON.stringify(r.spec)
  const where = r.borrowed ? '' : home
  const loaded = files === undefined ? [] : [line('note', home, `loaded/${r.namespace}:${name}`, files)]
  if (once) {
    const again = restart ? `${line('ready', called, seconds)} ` : ''
    return [
      comment(`${r.id} runs once${restart ? ', again until it succeeds' : ''}.`),
      `${again}${within} ${run}`.trim(),
      ...loaded,
      line('ran', where, r.namespace, name, settings),
    ]
  }
  return [
    comment(`${r.id} runs until the lab is destroyed.`),
    ...restarts,
    ...loaded,
    `${line('start', where, r.namespace, name, stop.slice('SIG'.length), settings)} ${run}`,
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
