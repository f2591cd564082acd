# Writes V8's code cache of what netlab does on a machine of a lab, dist/machine.cache: labs/router.yaml is planned, applied and destroyed on one
# that is a namespace here. For root, in namespaces of its own (scripts/build.mjs). $1: a folder for files.
set -e
export BUSY="$1/busy" COMPILE="$PWD/scripts/compile.mjs"
mount -t tmpfs tmpfs /run
mkdir /run/netns
ip link set lo up
unshare --net --mount sh -c 'mount -t tmpfs tmpfs /run && mkdir /run/netns && touch "$0" && exec sleep 60' "$1/ready" &
machine=$!
while [ ! -e "$1/ready" ]; do
  kill -0 "$machine"
  sleep 0.01
done
run='echo; echo netlab-boot ready; exec flock "$BUSY" node "$COMPILE" machine.cache machine'
{
  echo "machines: { there: { run: [nsenter, --target=$machine, --net, --mount, sh, -c, '$run'] } }"
  echo 'place: auto'
  cat labs/router.yaml
} >"$1/lab.yaml"
for command in plan 'apply -y' 'destroy -y'; do
  # shellcheck disable=SC2086 # two words
  node dist/netlab.cjs $command "$1/lab.yaml"
  flock "$BUSY" true # the machine ends after the command
done
