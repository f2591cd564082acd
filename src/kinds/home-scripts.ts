/**
 * Puts an overlay over a folder, whose upper side is in the tmpfs $layers. In an ordinary user's sandbox a folder of the machine
 * may be closed to the user: the kernel finds nothing in it for an overlay either, so an empty folder replaces it.
 */
const OVERLAY = `
overlay() {
  [ -x "$1" ] || { mount -n -t tmpfs -o mode=755 netlab "$1"; return; }
  mkdir -p "$layers/up$1" "$layers/work$1" && chmod "$(stat -c %a "$1")" "$layers/up$1" &&
  mount -n -t overlay -o "lowerdir=$1,upperdir=$layers/up$1,workdir=$layers/work$1" overlay "$1"
}`

/**
 * A shell script, run in new mount and UTS namespaces, that makes them a home and leaves a process that keeps them, the keeper.
 * /etc, /var and further top folders are overlays whose upper side is a tmpfs, so nothing is written to a disk. That tmpfs is
 * made at /tmp and becomes /run; the /run of the world in which the lab lives is at /run/.world, so that names of namespaces and
 * logs are found. The script has the mark of the home in its environment (environ of proc_pid(5)), from which the keeper has it:
 * a process has the environment of its parent from its first moment on.
 *
 * Each program that the script starts costs about a millisecond of processor per namespace: what the shell can do, it does, and
 * one `mount --all` mounts what is the same in every home.
 */
export const MAKE_HOME = `# Makes the home of a namespace.
hostname=$1 hosts=$2 folders=$3
shift 3
layers=/tmp/.netlab
umask 022
fail() { echo "cannot be made: $1" >&2; exit 1; }
${OVERLAY.trim()}
{ echo "$hostname" >/proc/sys/kernel/hostname; } 2>/dev/null || hostname "$hostname" || fail "the host name cannot be set"
mount -n -t tmpfs -o mode=755 netlab /tmp || fail "no tmpfs"
cd /tmp && mkdir -p .world lock .netlab/files .netlab/loaded .netlab/up/etc .netlab/up/var .netlab/work/etc .netlab/work/var
loopback=$(grep -sE '^(127\\.|::1[[:space:]])' /etc/hosts || printf '127.0.0.1 localhost\\n::1 localhost')
printf %s "$loopback" >.netlab/loopback
printf '%s\\n' "$loopback" "$hosts" >.netlab/up/etc/hosts
echo "$hostname" >.netlab/up/etc/hostname
[ ! -e /etc/resolv.conf ] || while IFS= read -r line || [ "$line" ]; do printf '%s\\n' "$line"; done </etc/resolv.conf >.netlab/up/etc/resolv.conf
printf %s "$hostname" >.netlab/hostname
printf '%s\\n' "$@" >.netlab/layers
# In an ordinary user's sandbox the machine's folders belong to nobody, and cannot be copied to the upper side.
[ -O /etc ] || while IFS= read -r folder; do
  until [ -d "$folder/" ]; do folder=\${folder%/*}; done
  if [ ! -x "$folder/" ]; then
    case " $* " in *" $folder "*) ;; *) set -- "$@" "$folder" ;; esac
  elif [ "$(stat -c %u "$folder/")" = 65534 ]; then mkdir -p "$layers/up$folder"; fi
done <<EOF
$folders
EOF
# By these a sandbox is recognised (src/host/sandbox).
links=.world/netns
for entry in /run/.machine /run/netlab-sandbox-*; do
  [ ! -e "$entry" ] || links="$links .world/\${entry#/run/}"
done
ln -s $links .
# The source of a layer is unique, because \`mount --all\` passes over what seems to be mounted: this may run in another home.
echo "/run /tmp/.world none rbind
netlab /tmp/lock tmpfs mode=1777
netlab.$$ /etc overlay lowerdir=/etc,upperdir=$layers/up/etc,workdir=$layers/work/etc
netlab.$$ /var overlay lowerdir=/var,upperdir=$layers/up/var,workdir=$layers/work/var" >.netlab/fstab
mount -n --all --fstab .netlab/fstab || fail "no overlays"
for folder; do overlay "$folder" || fail "no overlay over $folder"; done
mount -n -t sysfs sysfs /sys 2>/dev/null
mount -n --move /tmp /run || fail "/run cannot be replaced"
cd /
sleep 2147483647 </dev/null >/dev/null 2>&1 3>&- &`

/** Puts an overlay over further top folders of a home, from within it. */
export const ADD_OVERLAYS = `# Gives further folders of a home a layer of its own.
layers=/run/.netlab
${OVERLAY.trim()}
for folder; do
  overlay "$folder" || exit
  echo "$folder" >>$layers/layers
done`

/** Ends the keepers of a home, if they still are that. */
export const END_HOME = `# Ends the processes that keep a home.
marker=$1
shift
for pid; do
  tries=0
  while grep -qszxF "NETLAB_HOME=$marker" "/proc/$pid/environ" && [ $((tries += 1)) -lt 200 ]; do
    kill -KILL "$pid"
    sleep 0.01
  done
done`

/** Mounts a folder of its own, and notes it. */
export const MOUNT_FOLDER = `mkdir -p -- "$1" && mount -n -t tmpfs -o "mode=$2,uid=$3,gid=$4" netlab "$1" && printf 'folder %s' "$1" >"$5"`

/** Takes a folder of its own away, and the note. */
export const UMOUNT_FOLDER = `umount -l -- "$1"; rm -f -- "$2"`
