# The file begins as a shell script, so that an ordinary user's command goes straight into a sandbox that is there and
# node starts once, not twice. Where there is none yet, src/outside.ts makes it. Everything else is left to src/main.ts, which
# does the same when it is started by node.
enter() {
  name=${NETLAB_SANDBOX:-default} program=$0
  case ${1-} in '' | -* | validate | fmt | init | completion | diff | help) return ;; esac
  case $name in *[!a-z0-9-]*) return ;; esac
  case $program in /*) ;; *) program=$PWD/$program ;; esac
  if [ -O /proc/1 ]; then return; fi # root, most of the time
  for process in /proc/[0-9]*; do
    [ -O "$process/root/run/netlab-sandbox-$name" ] && ! [ "$process/ns/user" -ef /proc/self/ns/user ] || continue
    { read -r title <"$process/cmdline"; } 2>/dev/null
    case $title in *netlab-sandbox"$name") ;; *) continue ;; esac
    {
      unset NETLAB_SANDBOX
      export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin" NETLAB_ENTERED="0 ${process#/proc/} $name $PWD"
      exec nsenter --preserve-credentials --user=/proc/self/fd/3 --mount=/proc/self/fd/4 --net=/proc/self/fd/5 -- \
        node "$program" "$@" 2>&6 6>&-
    } 6>&2 2>/dev/null 3<"$process/ns/user" 4<"$process/ns/mnt" 5<"$process/ns/net"
  done
  exec node -e '@OUTSIDE@' -- "$program" "$@"
}
enter "$@"
exec node "$0" "$@"
