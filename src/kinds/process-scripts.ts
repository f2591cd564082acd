import { NAMED } from '../model/names.ts'
import { FINISH, LIVING, LOG, NOW, SUPERVISE } from './process-shell.ts'

/** Keeps the first `$rest` of the positional parameters: a shell cannot cut off the last ones. */
const FIRST = `
for word; do
  shift
  [ $rest -le 0 ] || set -- "$@" "$word"
  rest=$((rest - 1))
done`

/** A function for `is_ready` of START: a condition of `ready` does not hold, and `$missing` says which. */
const READY = `
listens() {
  cat /proc/net/$1 /proc/net/\${1}6 2>/dev/null | grep -qE "^ *[0-9]+: [0-9A-F]+:$(printf %04X "$2") [0-9A-F]+:0000 \${3}"
}
port() {
  case $1 in tcp) echo TCP port ;; *) echo UDP port ;; esac
}
listening() {
  case $1 in
    tcp) listens tcp "$2" 0A ;;
    *) listens udp "$2" 07 ;;
  esac
}
answers() {
  now
  left=$((deadline - now))
  [ $left -gt 0 ] || left=1
  said=$(timeout -k 1 $((left / 100)).$(printf %02d $((left % 100))) "$@" 2>&1 </dev/null 3>&-)
  code=$?
  [ $code -ne 0 ] || return 0
  [ $code -eq 124 ] && missing="its command did not end" || missing="its command ended with exit code $code"
  [ -z "$said" ] || missing="$missing: $(printf %s "$said" | tail -n 1)"
  return 1
}
holds() {
  missing=
  while [ $# -gt 0 ]; do
    case $1 in
      tcp | udp) listening $1 "$2" || missing="nothing listens on $(port $1) $2" ;;
      file) [ -e "$2" ] || missing="there is no file $2" ;;
      log)
        tail -c "+$begin" "$log" | grep -qP -e "$2"
        case $? in
          0) ;;
          1) missing="it has not printed what ready.log says" ;;
          *) fail "cannot start: grep does not understand the pattern of ready.log" ;;
        esac ;;
      run)
        shift
        answers "$@"
        return ;;
    esac
    [ -z "$missing" ] || return
    shift 2
  done
}`

/** What daemons of routing want when they do not begin as root, as setpriv(1) takes it: FRR's zebra ends without. */
export const ABILITIES = '+net_admin,+net_raw,+net_bind_service,+sys_admin'

/**
 * A shell script that starts the supervisor in a session of its own, with the lab's names, and waits until the process is
 * ready. When it fails, its first line is the reason; the output of the process and what to do follow, and nothing of the
 * process runs on. After the settings come the words of `ready`, as many as `$conditions`, then the command.
 *
 * Marks identify the processes later. In the environment (environ of proc_pid(5)), only the supervisor has NETLAB_SPEC; its
 * children have NETLAB_PROCESS unless they remove it. They cannot remove the limit of file locks, which every child inherits
 * and which the kernel does not use since Linux 2.4.25 (RLIMIT_LOCKS in getrlimit(2)).
 *
 * Descriptor 3 is the lock of the run; the process, which goes on after it, must not inherit it. A shell starts programs in the
 * background with SIGINT ignored, which env(1) takes back.
 */
export const START = `# Starts a process of a lab, and waits until it is ready.
lab=$1 namespace=$2 name=$3 tag=$4 spec=$5 hosts=$6 dir=$7 cwd=$8 restart=$9
shift 9
once=$1 user=$2 group=$3 files=$4 patience=$5 conditions=$6
shift 6
marker=$lab/$namespace/$name home=/proc/self/ns/net
${LOG.trim()}
${LIVING.trim()}
${NOW.trim()}
${FINISH.trim()}
${NAMED.trim()}
${READY.trim()}
fail() {
  echo "$1" >&2
  [ -z "$begin" ] || output=$(tail -c "+$begin" "$log" | grep -v '^netlab: ' | tail -n 20)
  [ -z "$output" ] || printf 'It printed:\\n%s\\n' "$output" | sed '2,$s/^/  /' >&2
  [ -z "$2" ] || echo "$2" >&2
  [ -z "$supervisor" ] || finish KILL 0
  exit 1
}
ended() {
  wait "$supervisor"
  code=$? hint= when='at once, '
  signal=$(kill -l $((code - 128)) 2>/dev/null)
  [ $code -gt 128 ] && [ "$signal" ] && how="by SIG$signal" || how="with exit code $code"
  [ $conditions -eq 0 ] || when='before it was ready, '
  number=$(tail -c "+$begin" "$log" | sed -n 's/^netlab: failed in command //p' | tail -n 1)
  [ -z "$once" ] || when=
  [ $code -ne 0 ] || hint="A process of a lab runs from apply to destroy: let it stay in the foreground (nginx -g 'daemon off;',
sshd -D). What ends by itself is once: true, or a command for netlab exec $namespace -- COMMAND"
  echo "$number"
  fail "\${number:+failed: command $number }ended $when$how" "$hint"
}
late() {
  [ -z "$once" ] || missing='it still runs'
  count=$(ends | wc -l) seconds=$((patience / 100))
  [ $((patience % 100)) -eq 0 ] || seconds=$seconds.$(printf %02d $((patience % 100)))
  [ "$missing" ] || fail "keeps ending: $count times within $seconds s, at last $(ends | tail -n 1)"
  [ $count -eq 0 ] || missing="$missing; it ended $count times, at last $(ends | tail -n 1)"
  fail "was not ready within $seconds s: $missing"
}
ends() {
  tail -c "+$begin" "$log" | sed -n 's/^netlab: ended //p'
}
is_ready() {
  if [ "$once" ]; then
    { read -r title <"/proc/$supervisor/comm"; } 2>/dev/null
    [ "$title" = sleep ]
  elif [ $conditions -gt 0 ]; then
    holds "$@"
  else
    [ "$restart" = never ] || settles
    [ $now -ge $settled ]
  fi
}
settles() {
  failed=$(ends | grep -vc ' 0$')
  [ $failed -gt $fails ] || return
  fails=$failed
  case $fails in 1) pause=20 ;; 2) pause=100 ;; 3) pause=500 ;; *) pause=3000 ;; esac
  settled=$((now + pause + 15))
}
is_free() {
  rest=$conditions
  while [ $rest -gt 1 ]; do
    case $1 in
      tcp | udp) ! listening $1 "$2" || fail "cannot start: something listens on $(port $1) $2 already" ;;
      run) return ;;
    esac
    shift 2
    rest=$((rest - 2))
  done
}
identify() {
  [ "$user$group" ] || return
  login=
  IFS=: read -r login _ uid gid _ folder _ <<EOF
$(getent passwd "\${user:-0}")
EOF
  groups=--init-groups
  if [ -z "$login" ]; then
    case $user in *[!0-9]*) fail "cannot start: there is no user $user" ;; esac
    uid=$user gid=$user folder=/ groups=--clear-groups
  fi
  [ -z "$group" ] || gid=$(getent group "$group" | cut -d: -f3)
  [ -n "$gid" ] || case $group in *[!0-9]*) fail "cannot start: there is no group $group" ;; *) gid=$group ;; esac
  [ -z "$user" ] || HOME=$folder
}
begin= output= supervisor= missing= fails=0
identify
is_free "$@"
umask 077
mkdir -p "\${log%/*}" && [ -O "$run" ] && ! [ -L "$run" ] && : >>"$log" || fail "cannot start: its log cannot be written to $log"
umask 022
named "$hosts"
cd -- "$cwd" 2>/dev/null || fail "cannot start: it cannot go to the folder $cwd"
begin=$(($(wc -c <"$log") + 1))
[ ! -d /run/.netlab/loaded ] || printf %s "$files" >"/run/.netlab/loaded/$namespace:$name"
export NETLAB_LAB="$lab" NETLAB_NAMESPACE="$namespace" \${dir:+"NETLAB_DIR=$dir"}
(
  shift $conditions
  set -- env --default-signal -- "$@"
  abilities='--inh-caps=${ABILITIES} --ambient-caps=${ABILITIES}'
  [ -z "$user$group" ] || setpriv $abilities true 2>/dev/null || abilities=
  [ -z "$user$group" ] || set -- setpriv --reuid="$uid" --regid="$gid" $groups $abilities -- "$@"
  { ulimit -S -w "$tag" || ulimit -S -x "$tag"; } 2>/dev/null
  exec env -i -- PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin" HOME="\${HOME:-/}" \${user:+USER="\${login:-$user}"} \\
    \${user:+LOGNAME="\${login:-$user}"} NETLAB_LAB="$lab" NETLAB_NAMESPACE="$namespace" \${dir:+"NETLAB_DIR=$dir"} \\
    NETLAB_PROCESS="$marker" NETLAB_SPEC="$spec" NETLAB_LOG="$begin" \\
    setsid sh -c '${SUPERVISE.trim().replaceAll("'", `'\\''`)}' sh "$restart" "$once" "$@" </dev/null >>"$log" 2>&1 3>&-
) &
supervisor=$!
rest=$conditions
${FIRST.trim()}
now
settled=$((now + 15)) deadline=$((now + patience))
until is_ready "$@" && [ "$(living $supervisor)" ]; do
  [ "$(living $supervisor)" ] || ended
  [ -e "/proc/$PPID" ] || exit 1
  now
  [ $now -lt $deadline ] || late
  sleep 0.05
done`

/** A shell script that runs the command by which a process reads its files again, and notes that it has. */
export const RELOAD = `# Makes a process read its files again.
note=$1 files=$2
shift 2
output=$("$@" 2>&1) || { printf 'does not read its files again:\\n%s\\n' "$output" >&2; exit 1; }
printf %s "$files" >"/run/.netlab/loaded/$note"`

/**
 * The command of a setup: a shell script that runs commands one after the other, until one fails. Before the words of each
 * stands how many they are.
 */
export const EACH = `# Runs the commands of a setup.
number=0
while [ $# -gt 0 ]; do
  number=$((number + 1)) count=$1
  shift
  (
    rest=$count
${FIRST.trim()}
    exec "$@"
  )
  code=$?
  [ $code -eq 0 ] || { echo "netlab: failed in command $number"; exit $code; }
  shift $count
done`

/** A shell script that ends a process with all that it started: the signal, then KILL; it prints that KILL was needed. */
export const STOP = `# Ends a process of a lab with all that it started.
marker=$1 tag=$2 home=$3 signal=$4 patience=$5 keep=$6
${LOG.trim()}
${LIVING.trim()}
${NOW.trim()}
${FINISH.trim()}
finish "$signal" "$patience"
[ -z "$rest" ] || { echo "cannot be ended: process" $rest "is there after SIGKILL" >&2; exit 1; }
[ -z "$killed" ] || echo "$killed"
[ "$keep" ] || {
  rm -f -- "$log"
  rmdir -- "\${log%/*}" "\${log%/*/*}" "$run/netlab" 2>/dev/null
  case $run in /tmp/*) rmdir -- "$run" 2>/dev/null ;; esac
  :
}`
