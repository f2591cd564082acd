# A sandbox for one program, which ends with it: for apart.ts, after the text of sandbox.sh. It has network, mount and process
# namespaces of its own, and an ordinary user's a user namespace. It ends with the program, or when input 3 is closed: then
# its process 1 ends, and the kernel ends everything in it (pid_namespaces(7)).

# apart DIRECTORY PROGRAM…: runs the program. The first line of its output is the id of process 1, as it is seen outside; if there
# is none, the errors say why there is no sandbox.
apart() {
  set -- "$sandbox_place$apart_first" netlab-apart "$@"
  ids_of /proc/self
  [ "$uid" != 0 ] || exec sh -c "$apart_unshare" netlab-apart "$@"
  exec 4<&0
  unshare --user -- sh -c "$sandbox_first" "$apart_unshare" netlab-apart "$@" <&4 4<&- &
  holder=$!
  exec 3<&- 4<&-
  give_ids
  wait "$holder"
}

apart_unshare='exec unshare --mount --net --pid --fork --kill-child --propagation slave -- sh -c "$@"'

# Process 1. It waits for the program, and takes the orphans. A shell gives what it starts with & no input.
apart_first='
read -r pid rest </proc/self/stat
place
mount -n -t proc proc /proc
: >/run/netlab-apart
cd "$1"
shift
echo "$pid"
exec 4<&0 </dev/null
"$@" <&4 3<&- 4<&- &
program=$!
{ read -r end <&3 || :; kill -KILL "$program"; } 4<&- >/dev/null 2>&1 &
exec 3<&- 4<&-
wait "$program"
'
