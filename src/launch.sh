# The file begins as a shell script, so that an ordinary user's command goes straight into the sandbox, and node starts once,
# not twice. Everything else is left to src/main.ts, which does the same when it is started by node.
@SANDBOX@
enter() {
  name=${NETLAB_SANDBOX:-default} program=$0 tries=0
  case ${1-} in complete | @COMMANDS@) ;; *) return ;; esac
  case "$1 $* " in 'complete '*) ;; *' --help '* | *' -h '* | *' --fresh '*) return ;; esac
  case $name in *[!a-z0-9-]* | -*) return ;; esac
  if [ ${#name} -gt 32 ]; then return; fi
  case $program in /*) ;; *) program=$PWD/$program ;; esac
  ids_of /proc/self
  if [ "$uid" = 0 ]; then return; fi # also in a sandbox
  # Completion looks into a sandbox, and makes none.
  if [ "$1" = complete ] && ! find_sandbox "$name"; then return; fi
  # It may be ended, with its last lab, between being found and being opened; once opened, it cannot go away.
  while [ $((tries += 1)) -le 5 ] && sandbox "$name"; do
    {
      unset NETLAB_SANDBOX
      export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin" NETLAB_ENTERED="0 $holder $name ${PWD:-/}"
      exec nsenter --preserve-credentials --user=/proc/self/fd/3 --mount=/proc/self/fd/4 --net=/proc/self/fd/5 -- \
        node "$program" "$@" 2>&6 6>&-
    } 6>&2 2>/dev/null 3<"/proc/$holder/ns/user" 4<"/proc/$holder/ns/mnt" 5<"/proc/$holder/ns/net"
  done
}
# When node starts, it would read all of these certificates, which takes it longer than all else. Programs get the variable back (src/main.ts).
if [ -n "${NODE_EXTRA_CA_CERTS-}" ]; then
  export NETLAB_CA_CERTS="$NODE_EXTRA_CA_CERTS"
  unset NODE_EXTRA_CA_CERTS
fi
enter "$@"
exec node "$0" "$@"
