import { quote } from '../model/command.ts'
import { running } from '../model/operation.ts'
import type { Kind } from '../model/kind.ts'
import { hostsOf, MOUNTS, NAMED, namesIn } from '../model/names.ts'
import type { Difference } from '../model/plan.ts'
import type { Resource } from '../model/resource.ts'
import type { LiveProcess } from '../model/runner.ts'
import { within } from './common.ts'

export type ProcessSpec = {
  readonly name: string
  readonly command: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Default: `/`. */
  readonly cwd?: string
  /** What tells that it is up: something listens on the TCP port in its namespace, or the file exists. */
  readonly ready?: { readonly tcp: number } | { readonly file: string }
  /** Default: `never`. */
  readonly restart?: 'always' | 'on-failure' | 'never'
  /** Live: its supervisor is gone and what it started is not; or nothing but its log is left. */
  readonly state?: 'stray' | 'ended'
}

/** `ns1/process/web` */
export const processId = (namespace: string, name: string): string => `${namespace}/process/${name}`

/** Shell: where logs lie, as `$log` of the marker `LAB/NS/NAME`: /run/netlab, and where /run is not ours, in the user's own. */
const LOG = `
run=/run
[ -w /run ] || run=\${XDG_RUNTIME_DIR:-/tmp/netlab-$(id -u)}
log=$run/netlab/$marker.log`

/** Shell: which of these processes are alive; what has ended and was not buried yet is not. */
const LIVING = `
living() {
  for pid; do
    { read -r stat </proc/$pid/stat; } 2>/dev/null || continue
    case \${stat##*) } in [ZX]*) ;; *) echo $pid ;; esac
  done
}`

/** Shell: runs the command, and runs it again when it ends, if that is asked for, waiting longer each time. */
const SUPERVISE = `
restart=$1 pause=0.2
shift
unset NETLAB_SPEC
while :; do
  begun=$(date +%s)
  env -- "$@"
  code=$?
  echo "netlab: ended with exit code $code" >&2
  case "$restart $code" in always* | on-failure' '[!0]*) ;; *) exit $code ;; esac
  [ $(($(date +%s) - begun)) -lt 10 ] || pause=0.2
  sleep $pause
  case $pause in 0.2) pause=1 ;; 1) pause=5 ;; *) pause=30 ;; esac
done`

/**
 * Starts the supervisor in a session of its own, with names and with an environment that is the same everywhere, and
 * waits until the process is ready. The marks in the environment are how it is found again (environ of proc_pid(5)):
 * NETLAB_SPEC is the supervisor's alone, NETLAB_PROCESS all of its children have too.
 */
const START = `# Starts a process of a lab, and waits until it is ready.
marker=$1 spec=$2 hosts=$3 cwd=$4 ready=$5 value=$6 restart=$7
shift 7
${LOG.trim()}
${LIVING.trim()}
${NAMED.trim()}
is_ready() {
  case $ready in
    tcp) cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep -qE "^ *[0-9]+: [0-9A-F]+:$(printf %04X "$value") [0-9A-F]+:0000 0A" ;;
    file) [ -e "$value" ] ;;
    *) [ $tries -ge 3 ] ;;
  esac
}
fail() {
  echo "$marker $1" >&2
  [ -z "$2" ] || tail -c "+$2" "$log" | tail -n 10 >&2
  exit 1
}
tries=0
[ "$ready" != tcp ] || ! is_ready || fail "cannot start: something listens on port $value there already"
umask 077
mkdir -p "\${log%/*}" && [ -O "$run" ] && ! [ -L "$run" ] && : >>"$log" || fail "cannot start: no log can be written to $log"
umask 022
named "$hosts"
cd -- "$cwd" || fail "cannot start"
end=$(($(wc -c <"$log") + 1))
env -i -- PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin" HOME="\${HOME:-/}" NETLAB_PROCESS="$marker" NETLAB_SPEC="$spec" \\
  setsid sh -c '${SUPERVISE.trim().replaceAll("'", `'\\''`)}' sh "$restart" "$@" </dev/null >>"$log" 2>&1 &
supervisor=$!
until is_ready && [ "$(living $supervisor)" ]; do
  [ "$(living $supervisor)" ] || fail "ended before it was ready; its output:" $end
  [ $tries -lt 200 ] || fail "was not ready ($ready $value) within 10 s; its output:" $end
  tries=$((tries + 1))
  sleep 0.05
done`

/**
 * Ends the processes with the mark, what is in their sessions and what descends from them: TERM, then KILL. A lab of the
 * same name in another sandbox is left alone: there, the name of the namespace still means where the process is.
 */
const STOP = `# Ends a process of a lab with all that it started.
marker=$1 home=$2 keep=$3
${LOG.trim()}
${LIVING.trim()}
ours() {
  [ /proc/$1/ns/user -ef /proc/self/ns/user ] || return
  [ /proc/$1/ns/net -ef "$home" ] && return
  [ "$home" != /proc/self/ns/net ] && ! [ "/proc/$1/root$home" -ef /proc/$1/ns/net ]
}
tree() {
  marked=
  for file in $(grep -lszxF "NETLAB_PROCESS=$marker" /proc/[0-9]*/environ); do
    pid=\${file#/proc/} pid=\${pid%/environ}
    ! ours $pid || marked="$marked $pid"
  done
  [ -z "$marked" ] || cat /proc/[0-9]*/stat 2>/dev/null | sed 's/(.*)/()/' | awk -v marked="$marked" '
    { parent[$1] = $4; session[$1] = $6 }
    END {
      n = split(marked, list, " ")
      for (i = 1; i <= n; i++) { ours[list[i]]; ours[session[list[i]]] }
      do {
        more = 0
        for (p in parent) if (!(p in ours) && ((parent[p] in ours) || (session[p] in ours))) { ours[p]; more = 1 }
      } while (more)
      for (p in ours) if (p in parent) print p
    }'
}
rest=$(living $(tree))
for signal in TERM KILL; do
  [ "$rest" ] || break
  kill -s $signal $rest 2>/dev/null
  for pause in 0.02 0.05 0.1 0.2 0.3 0.5 0.8; do
    sleep $pause
    rest=$(living $(printf '%s\\n' $rest $(tree) | sort -u))
    [ "$rest" ] || break
  done
done
[ -z "$rest" ] || { echo "still running:" $rest >&2; exit 1; }
[ "$keep" ] || {
  rm -f -- "$log"
  rmdir -- "\${log%/*}" "\${log%/*/*}" "$run/netlab" 2>/dev/null
  case $run in /tmp/*) rmdir -- "$run" 2>/dev/null ;; esac
  :
}`

/** A program that runs in a namespace from apply to destroy. The reader makes the live ones. */
export const process: Kind<ProcessSpec> = {
  name: 'process',
  read: () => [],
  describe: ({ command, state }) => (state === 'ended' ? 'its log' : command.map(quote).join(' ')),
  compare,
  needs: ({ namespace }) => [namespace],
  lostWith: ({ namespace }) => [namespace],
  lingers: () => true,

  create: (r, { lab, desired }) => {
    const { name, command, env = {}, cwd = '/', ready, restart = 'never', state } = r.spec
    if (state === 'ended') return []
    const [kind, value] = Object.entries<string | number>(ready ?? {})[0] ?? ['', '']
    const { state: _, ...kept } = r.spec
    const mark = [markerOf(lab, r.namespace, name), JSON.stringify(kept), hostsOf(namesIn(desired))]
    const variables = Object.entries(env).map(([key, text]) => `${key}=${text}`)
    const words = [...mark, cwd, kind, String(value), restart, ...variables, ...command]
    const argv = [...MOUNTS, 'sh', '-c', START, 'sh', ...words]
    return [{ stage: 'start processes', operation: within(r, ...argv) }]
  },

  update: () => [],

  remove: ({ id, namespace, root, spec: { name } }, { lab, desired }) => {
    const home = root ? '/proc/self/ns/net' : `/run/netns/${namespace}`
    const words = [markerOf(lab, namespace, name), home, ...(desired.has(id) ? ['keep-log'] : [])]
    return [{ stage: 'stop processes', operation: running({ argv: ['sh', '-c', STOP, 'sh', ...words] }) }]
  },
}

const markerOf = (lab: string, namespace: string, name: string): string => `${lab}/${namespace}/${name}`

/** How it is made ready does not matter any more once it runs. */
function compare(live: ProcessSpec, desired: ProcessSpec): Difference[] {
  if (live.state !== undefined) {
    const forces = live.state === 'stray' ? 'what it started runs on without it' : 'only its log is left'
    return [{ field: 'state', from: live.state, to: 'running', forces }]
  }
  return (['command', 'env', 'cwd', 'restart'] as const).flatMap((field): Difference[] => {
    const [from, to] = [settings(live)[field], settings(desired)[field]]
    if (sorted(from) === sorted(to)) return []
    const forces = 'a process keeps what it was started with'
    return [{ field, ...(from !== undefined && { from }), ...(to !== undefined && { to }), forces }]
  })
}

const settings = (spec: ProcessSpec): ProcessSpec => ({
  ...spec,
  env: spec.env ?? {},
  restart: spec.restart ?? 'never',
})

const sorted = (value: unknown): string =>
  JSON.stringify(
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.entries(value)
          .filter(([, v]) => v !== undefined)
          .sort(([a], [b]) => (a < b ? -1 : 1))
      : value,
  ) ?? ''

/** The resource that a live process is. A mark that says nothing sensible is that of a stray. */
export function processResource({ namespace, name, root, state, spec }: LiveProcess): Resource<ProcessSpec> {
  const parsed = state === 'running' ? parse(spec) : undefined
  const known: ProcessSpec = parsed ?? { name, command: [], state: state === 'ended' ? 'ended' : 'stray' }
  return {
    id: processId(namespace, name),
    kind: 'process',
    namespace,
    ...(root && { root: true as const }),
    spec: { ...known, name },
  }
}

function parse(text: string | undefined): ProcessSpec | undefined {
  try {
    const value = JSON.parse(text ?? '') as Partial<ProcessSpec> | null
    return Array.isArray(value?.command) ? (value as ProcessSpec) : undefined
  } catch {
    return undefined
  }
}
