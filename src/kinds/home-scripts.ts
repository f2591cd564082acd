/** Puts an overlay over a folder, whose upper side is in /tmp, a tmpfs. */
const OVERLAY = `
overlay() {
  mkdir -p "/tmp/up$1" "/tmp/work$1" && chmod "$(stat -c %a "$1")" "/tmp/up$1" &&
  mount -n -t overlay -o "lowerdir=$1,upperdir=/tmp/up$1,workdir=/tmp/work$1" overlay "$1"
}`

/**
 * A shell script, run in new mount and UTS namespaces, that makes them a home and leaves a process that keeps them, the keeper.
 * /etc, /var and further top folders are overlays whose upper side is a tmpfs, so nothing is written to a disk. /run is a folder
 * of that tmpfs; the /run of the world in which the lab lives is at /run/.world, so that names of namespaces and logs are found.
 * The keeper has its mark in the environment (environ of proc_pid(5)), and is ready when that is complete.
 */
export const MAKE_HOME = `# Makes the home of a namespace.
marker=$1 hostname=$2 hosts=$3 folders=$4
shift 4
fail() { echo "cannot be made: $1" >&2; exit 1; }
${OVERLAY.trim()}
put() { rm -f "$1" && printf '%s\\n' "$2" >"$1"; }
hostname "$hostname" 2>/dev/null || echo "$hostname" >/proc/sys/kernel/hostname || fail "the host name cannot be set"
mount -n -t sysfs sysfs /sys 2>/dev/null
mount -n -t tmpfs -o mode=755 netlab /tmp || fail "no tmpfs"
mkdir -p /tmp/run/.world /tmp/run/.netlab/files /tmp/run/.netlab/loaded /tmp/run/lock && chmod 1777 /tmp/run/lock
mount -n --rbind /run /tmp/run/.world || fail "/run cannot be bound"
ln -s .world/netns /tmp/run/netns
# By these a sandbox is recognised (src/host/sandbox).
for entry in /tmp/run/.world/.machine /tmp/run/.world/netlab-sandbox-*; do
  [ ! -e "$entry" ] || ln -s ".world/\${entry##*/}" /tmp/run
done
resolver=$(cat /etc/resolv.conf 2>/dev/null)
loopback=$(grep -sE '^(127\\.|::1[[:space:]])' /etc/hosts || printf '127.0.0.1 localhost\\n::1 localhost')
# In an ordinary user's sandbox the machine's folders belong to nobody, and cannot be copied to the upper side.
printf '%s\\n' "$folders" | while IFS= read -r folder; do
  [ ! -d "$folder" ] || [ "$(stat -c %u "$folder")" != 65534 ] || mkdir -p "/tmp/up$folder"
done
for folder in /etc /var "$@"; do overlay "$folder" || fail "no overlay over $folder"; done
put /etc/hosts "$loopback
$hosts"
put /etc/resolv.conf "$resolver"
put /etc/hostname "$hostname"
printf %s "$hostname" >/tmp/run/.netlab/hostname
printf '%s\n' "$@" >/tmp/run/.netlab/layers
printf %s "$loopback" >/tmp/run/.netlab/loopback
mount -n --rbind /tmp/run /run && umount -l /tmp || fail "/run cannot be replaced"
(
  cd / && exec env -i PATH="$PATH" NETLAB_HOME="$marker" setsid sleep 2147483647 </dev/null >/dev/null 2>&1 3>&-
) &
keeper=$!
until { read -r title <"/proc/$keeper/cmdline"; } 2>/dev/null; case $title in sleep*) true ;; *) false ;; esac; do
  kill -0 $keeper 2>/dev/null || fail "its keeper has ended"
done`

/** Puts an overlay over further top folders of a home, from within it. */
export const ADD_OVERLAYS = `# Gives further folders of a home a layer of its own.
${OVERLAY.trim()}
mount -n -t tmpfs -o mode=755 netlab /tmp || exit
for folder; do
  overlay "$folder" || { umount -l /tmp; exit 1; }
  echo "$folder" >>/run/.netlab/layers
done
umount -l /tmp`

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
