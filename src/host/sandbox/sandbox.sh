# A sandbox, found or made: for src/launch.sh, which has this text in it, and for start.ts. See holder.ts for what it is.

# sandbox NAME: holder becomes the process id of who keeps this user's sandbox. Fails, with the reason in words, when the
# machine does not allow one. Of two that make it at once, one waits for the other.
sandbox() {
  find_sandbox "$1" && return
  state=${XDG_STATE_HOME:-${HOME:+$HOME/.local/state}} turn=/ note=/dev/null
  if [ -n "$state" ] && mkdir -p "$state/netlab" 2>/dev/null && [ -r "$state/netlab" ]; then
    turn=$state/netlab note=$state/netlab/sandbox-$1
  fi
  exec 9<"$turn"
  flock -w 30 9 2>/dev/null
  # What is left may be a command that ends with its sandbox, or that came in meanwhile and starts a holder anew.
  waits=0
  while ! find_sandbox "$1" && [ "$left" ] && [ $((waits += 1)) -le 10 ]; do sleep 0.1; done
  [ "$holder" ] || { bury_sandbox "$1" && make_sandbox "$1"; }
  set -- $?
  exec 9<&-
  return "$1"
}

# Whether there is one: holder. What is left of one that is not kept any more: left.
find_sandbox() {
  holder='' left='' theirs=''
  for process in /proc/[0-9]*; do
    [ -O "$process/root/run/netlab-sandbox-$1" ] && ! [ "$process/ns/user" -ef /proc/self/ns/user ] || continue
    title=''
    { read -r title <"$process/cmdline"; } 2>/dev/null
    case $title in
      *netlab-sandbox"$1")
        # The door does not tell whose sandbox it is: in one of theirs, others can mount any file there.
        ids_of "$process" && theirs=$uid && ids_of /proc/self
        [ "$theirs" = "$uid" ] && holder=${process#/proc/} && return
        ;;
      *) left="$left ${process#/proc/}" ;;
    esac
  done
  return 1
}

# Ends what a holder that was killed has left behind, and says so. That there was one since the machine was started is
# noted, and its end by memory.ts.
bury_sandbox() {
  boot='' noted='' ended='' what="The sandbox $1"
  [ "$1" != default ] || what='The sandbox of your labs'
  { read -r boot </proc/sys/kernel/random/boot_id; } 2>/dev/null
  { read -r noted <"$note"; } 2>/dev/null
  set -- $left
  [ $# -gt 0 ] || [ "$noted" = "$boot" ] || return 0
  kill -KILL "$@" 2>/dev/null
  [ $# -eq 0 ] || ended=", and $# processes that were left are ended"
  echo "$what was ended from outside: what was in it is gone$ended. This is a new one." >&2
}

# Makes one out of fresh namespaces. The first line of words is the process id; what follows is what went wrong. They are
# complete when the holder has closed its end: when it is ready, or has ended.
make_sandbox() {
  words=$(
    exec 2>&1 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
    cd /
    env -i PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin" LC_ALL=C setsid \
      unshare --user --mount --net --propagation slave -- \
      sh -c "$sandbox_first" "$sandbox_then" netlab-sandbox "$1" </dev/null &
    holder=$!
    echo "$holder"
    give_ids
  )
  holder=${words%%[!0-9]*}
  words=${words#"$holder"}
  [ -n "$holder" ] && [ -O "/proc/$holder/root/run/netlab-sandbox-$1" ] || return 1
  { echo "$boot" >"$note"; } 2>/dev/null
  return 0
}

# Gives the user namespace of the holder its ids, as soon as it has left this one.
give_ids() {
  while [ "/proc/$holder/ns/user" -ef /proc/self/ns/user ]; do :; done
  [ -e "/proc/$holder/ns/user" ] || return
  ids_of /proc/self
  user=$(id -un 2>/dev/null)
  map_ids uid "$uid" &
  map_ids gid "$gid" && wait $! || kill -KILL "$holder"
}

# ids_of /proc/ID: the effective uid and gid of a process; none when it has ended.
ids_of() {
  uid='' gid=''
  while read -r key _ id _; do
    case $key in Uid:) uid=$id ;; Gid:) gid=$id ;; esac
  done 2>/dev/null <"$1/status"
}

# map_ids uid|gid ID: gives the new user namespace its ids. Root has all of them there, as they are. Anybody else is root
# there, with more ids than that one where /etc/subuid and /etc/subgid grant some and newuidmap(1) is installed.
map_ids() {
  map=/proc/$holder/$1_map count=''
  if [ "$uid" = 0 ]; then
    own=$(while read -r inside _ count; do echo "$inside $inside $count"; done <"/proc/self/$1_map")
    { echo "$own" >"$map"; } 2>/dev/null && return
  fi
  [ ! -r "/etc/sub$1" ] || while IFS=: read -r who first count; do
    case $who in "$user" | "$uid") break ;; esac
    count=''
  done <"/etc/sub$1"
  [ -n "$count" ] && "new$1map" "$holder" 0 "$2" 1 1 "$first" "$count" >/dev/null 2>&1 && return
  [ "$1" = uid ] || echo deny >"/proc/$holder/setgroups"
  echo "0 $2 1" >"$map"
}

# In the new namespaces: waits for its ids, then begins anew, which gives it the capabilities of root there.
sandbox_first='
there=1
until { read -r ids </proc/self/uid_map && read -r ids </proc/self/gid_map; } 2>/dev/null; do
  [ "$there" ] || exit 1
  [ -d "/proc/$PPID" ] || there=
done
exec sh -c "$0" "$@"
'

# An empty /run/netns, and everything else that the machine has in /run, lo up, a /sys that shows its interfaces. A whole
# /run of its own also gives iptables-legacy its lock file and logs their place. That it can be written to and that lo goes
# up is the proof that the kernel lets it be a sandbox.
sandbox_place='
set -e
place() {
  mount -n -t tmpfs -o mode=755 netlab /tmp
  mkdir /tmp/netns /tmp/netlab /tmp/lock /tmp/.machine
  mount -n --rbind /run /tmp/.machine
  cd /run
  set --
  for entry in * .[!.]*; do
    case $entry in
      "*" | ".[!.]*" | netns | netlab | netlab-* | lock | xtables.lock | .machine) ;;
      *) set -- "$@" ".machine/$entry" ;;
    esac
  done
  cd /
  [ $# -eq 0 ] || ln -s -- "$@" /tmp
  mount -n --move /tmp /run
  mount -n -t sysfs sysfs /sys 2>/dev/null || :
  ip link set dev lo up
}
'

# The door is made last; the holder waits at it for nothing.
sandbox_then="$sandbox_place"'
place
mkfifo -m 600 "/run/$0-$1"
exec sh -c "exec </dev/null >/dev/null 2>&1; read -r end <>\"/run/\$0-\$1\"" "$0" "$1"
'
