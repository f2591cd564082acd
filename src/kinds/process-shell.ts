/** Sets `$log`, the log of the marker `LAB/NS/NAME`: in /run/netlab or, if /run is not ours, in the user's runtime folder. */
export const LOG = `
run=/run
[ ! -d /run/.world ] || run=/run/.world
[ -w $run ] || run=\${XDG_RUNTIME_DIR:-/tmp/netlab-$(id -u)}
log=$run/netlab/$marker.log`

/** Prints those of the given processes that exist and are no zombies. */
export const LIVING = `
living() {
  for pid; do
    { read -r stat </proc/$pid/stat; } 2>/dev/null || continue
    case \${stat##*) } in [ZX]*) ;; *) echo $pid ;; esac
  done
}`

/** Sets `$now`: the time since boot in hundredths of a second. */
export const NOW = `
now() {
  read -r now _ </proc/uptime
  now=\${now%.*}\${now#*.}
}`

/**
 * Ends the processes with the marks `$marker` and `$tag`, all processes in their sessions, and their descendants. `finish SIGNAL
 * TIMEOUT` sends them the signal, and KILL after hundredths of a second. Supervisors get TERM: a signal of the user's choice
 * would have them start the process again. Afterwards `$rest` are the processes that still exist, `$killed` those that KILL was
 * needed for. Processes of a lab of the same name in another sandbox, with another /run/netns, are left alone.
 */
export const FINISH = `
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
finish() {
  killed= limit=$2
  rest=$(living $(tree))
  for signal in "$1" KILL; do
    [ "$rest" ] || break
    [ $signal != KILL ] || { killed=$rest limit=200; }
    case $signal in
      TERM | KILL) kill -s $signal $rest 2>/dev/null ;;
      *) for pid in $rest; do
          if grep -qsz ^NETLAB_SPEC= /proc/$pid/environ; then kill -s TERM $pid; else kill -s $signal $pid; fi 2>/dev/null
        done ;;
    esac
    now
    until=$((now + limit)) pauses="0.02 0.05 0.1 0.2 0.3 0.5"
    while :; do
      sleep \${pauses%% *}
      pauses=\${pauses#* }
      rest=$(living $(printf '%s\\n' $rest $(tree) | sort -u))
      now
      [ "$rest" ] && [ $now -lt $until ] || break
    done
  done
}`

/**
 * Runs the command and, depending on `restart`, runs it again when it ends, after a longer pause each time. When a command that
 * is to run once has succeeded, its supervisor becomes a process that sleeps: that it exists says that the command is done.
 */
export const SUPERVISE = `
restart=$1 once=$2 pause=0.2 spec=$NETLAB_SPEC
shift 2
unset NETLAB_SPEC NETLAB_LOG
while :; do
  begun=$(date +%s)
  "$@"
  code=$?
  if [ "$once$code" = true0 ]; then
    export NETLAB_SPEC="$spec" NETLAB_DONE=true
    exec sleep infinity
  fi
  echo "netlab: ended with exit code $code" >&2
  case "$restart $code" in always* | on-failure' '[!0]*) ;; *) exit $code ;; esac
  [ $(($(date +%s) - begun)) -lt 10 ] || pause=0.2
  sleep $pause
  case $pause in 0.2) pause=1 ;; 1) pause=5 ;; *) pause=30 ;; esac
done`
