import { NAMED } from '../model/names.ts'

/** Sets `$log`, the log of the marker `LAB/NS/NAME`: in /run/netlab or, if /run is not ours, in the user's runtime folder. */
const LOG = `
run=/run
[ ! -d /run/.world ] || run=/run/.world
[ -w $run ] || run=\${XDG_RUNTIME_DIR:-/tmp/netlab-$(id -u)}
log=$run/netlab/$marker.log`

/** Prints those of the given processes that exist and are no zombies. */
const LIVING = `
living() {
  for pid; do
    { read -r stat </proc/$pid/stat; } 2>/dev/null || continue
    case \${stat##*) } in [ZX]*) ;; *) echo $pid ;; esac
  done
}`

/** Runs the command and, depending on `restart`, runs it again when it ends, after a longer pause each time. */
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
 * A shell script that starts the supervisor in a session of its own, with the lab's names, and waits until the process is
 * ready. When it fails, its first line is the reason; the output of the process and what to do follow.
 *
 * Marks identify the processes later. In the environment (environ of proc_pid(5)), only the supervisor has NETLAB_SPEC; its
 * children have NETLAB_PROCESS unless they remove it. They cannot remove the limit of file locks, which every child inherits
 * and which the kernel does not use since Linux 2.4.25 (RLIMIT_LOCKS in getrlimit(2)).
 *
 * Descriptor 3 is the lock of the run; the process, which goes on after it, must not inherit it.
 */
export const START = `# Starts a process of a lab, and waits until it is ready.
lab=$1 namespace=$2 name=$3 tag=$4 spec=$5 hosts=$6 dir=$7 cwd=$8 ready=$9
shift 9
value=$1 restart=$2 files=$3
shift 3
marker=$lab/$namespace/$name
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
  echo "$1" >&2
  [ -z "$begin" ] || output=$(tail -c "+$begin" "$log" | grep -v '^netlab: ended with exit code ' | tail -n 20)
  [ -z "$output" ] || printf 'It printed:\\n%s\\n' "$output" | sed '2,$s/^/  /' >&2
  [ -z "$2" ] || echo "$2" >&2
  exit 1
}
ended() {
  wait "$supervisor"
  code=$? hint=
  signal=$(kill -l $((code - 128)) 2>/dev/null)
  [ $code -gt 128 ] && [ "$signal" ] && how="by SIG$signal" || how="with exit code $code"
  [ "$ready" ] && when='before it was ready' || when='at once'
  [ $code -ne 0 ] || hint="A process of a lab runs from apply to destroy: let it stay in the foreground (nginx -g 'daemon off;',
sshd -D). For what ends by itself: netlab exec $namespace -- COMMAND"
  fail "ended $when, $how" "$hint"
}
late() {
  case $ready in tcp) missing="nothing listens on TCP port $value" ;; *) missing="there is no file $value" ;; esac
  ends=$(tail -c "+$begin" "$log" | sed -n 's/^netlab: ended //p')
  [ -z "$ends" ] || missing="$missing; it ended $(echo "$ends" | wc -l) times, at last $(echo "$ends" | tail -n 1)"
  fail "was not ready within 10 s: $missing"
}
tries=0 begin= output=
[ "$ready" != tcp ] || ! is_ready || fail "cannot start: something listens on TCP port $value already"
umask 077
mkdir -p "\${log%/*}" && [ -O "$run" ] && ! [ -L "$run" ] && : >>"$log" || fail "cannot start: its log cannot be written to $log"
umask 022
named "$hosts"
cd -- "$cwd" 2>/dev/null || fail "cannot start: it cannot go to the folder $cwd"
begin=$(($(wc -c <"$log") + 1))
[ ! -d /run/.netlab/loaded ] || printf %s "$files" >"/run/.netlab/loaded/$namespace:$name"
(
  { ulimit -S -w "$tag" || ulimit -S -x "$tag"; } 2>/dev/null
  exec env -i -- PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin" HOME="\${HOME:-/}" NETLAB_LAB="$lab" NETLAB_NAMESPACE="$namespace" \\
    \${dir:+"NETLAB_DIR=$dir"} NETLAB_PROCESS="$marker" NETLAB_SPEC="$spec" \\
    setsid sh -c '${SUPERVISE.trim().replaceAll("'", `'\\''`)}' sh "$restart" "$@" </dev/null >>"$log" 2>&1 3>&-
) &
supervisor=$!
until is_ready && [ "$(living $supervisor)" ]; do
  [ "$(living $supervisor)" ] || ended
  [ -e "/proc/$PPID" ] || exit 1
  [ $tries -lt 200 ] || late
  tries=$((tries + 1))
  sleep 0.05
done`

/** A shell script that runs the command by which a process reads its files again, and notes that it has. */
export const RELOAD = `# Makes a process read its files again.
note=$1 files=$2
shift 2
output=$("$@" 2>&1) || { printf 'does not read its files again:\\n%s\\n' "$output" >&2; exit 1; }
printf %s "$files" >"/run/.netlab/loaded/$note"`

/**
 * A shell script that ends the processes with a mark, all processes in their sessions, and their descendants: TERM, then KILL.
 * Processes of a lab of the same name in another sandbox, with another /run/netns, are left alone.
 */
export const STOP = `# Ends a process of a lab with all that it started.
marker=$1 tag=$2 home=$3 keep=$4
${LOG.trim()}
${LIVING.trim()}
ours() {
  [ /proc/$1/ns/net -ef "$home" ] && return
  [ "$home" != /proc/self/ns/net ] && [ /proc/$1/root/run/netns -ef /run/netns ]
}
tree() {
  marked=
  for file in $(grep -lszxF "NETLAB_PROCESS=$marker" /proc/[0-9]*/environ) \\
    $(grep -lsE "^Max file locks +$tag " /proc/[0-9]*/limits); do
    pid=\${file#/proc/} pid=\${pid%/*}
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
[ -z "$rest" ] || { echo "cannot be ended: process" $rest "is there after SIGKILL" >&2; exit 1; }
[ "$keep" ] || {
  rm -f -- "$log"
  rmdir -- "\${log%/*}" "\${log%/*/*}" "$run/netlab" 2>/dev/null
  case $run in /tmp/*) rmdir -- "$run" 2>/dev/null ;; esac
  :
}`
