#!/bin/sh
# Runs a command on Debian's stock kernel, in a virtual machine that has this machine's files: for what this machine's own
# kernel may lack (netem, 8021q, dummy, vrf, ipvlan, wireguard, bridges with VLANs).
#
#   scripts/vm.sh COMMAND [ARGUMENT...]
#
# COMMAND runs as root, in the folder where this was called. Every file of this machine is there under its own path; what
# it writes goes to memory and is gone afterwards. Prints what COMMAND prints, exits as it does.
#   NETLAB_VM_TIMEOUT  seconds until the machine is switched off (default 900); the exit code is then 124
#   NETLAB_VM_CACHE    where the kernel is kept (default ~/.cache/netlab/vm)
# Needs a Debian on amd64, and as packages: qemu-system-x86 busybox-static cpio kmod wireguard-tools. No network but loopback inside.
set -eu

die() { echo "vm: $*" >&2; exit 125; }
[ $# -gt 0 ] || die 'usage: scripts/vm.sh COMMAND [ARGUMENT...]'

cache=${NETLAB_VM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/netlab/vm}
PATH=$PATH:/usr/sbin:/sbin

packages() {
  missing=
  for pair in qemu-system-x86_64:qemu-system-x86 busybox:busybox-static cpio:cpio modprobe:kmod wg:wireguard-tools; do
    command -v "${pair%%:*}" >/dev/null || missing="$missing ${pair#*:}"
  done
  [ -n "$missing" ] || return 0
  if [ "$(id -u)" = 0 ]; then
    echo "vm: installing$missing" >&2
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends $missing >&2
  else
    die "these packages are missing; install them with: sudo apt-get install --no-install-recommends$missing"
  fi
}

# The kernel's package, unpacked; and what its first process needs to find this machine's files, packed.
kernel() {
  [ ! -e "$cache/ready" ] || return 0
  [ "$(dpkg --print-architecture 2>/dev/null)" = amd64 ] || die 'this needs a Debian on amd64'
  echo 'vm: fetching the kernel (once)' >&2
  mkdir -p "$cache"
  work=$(mktemp -d "$cache/making.XXXXXX")
  package=$(apt-cache show --no-all-versions linux-image-amd64 | sed -n 's/^Depends: \(linux-image-[^ ,]*\).*/\1/p')
  [ -n "$package" ] || die 'apt knows no linux-image-amd64'
  (cd "$work" && apt-get -q download "$package" >&2 && dpkg-deb -x ./*.deb kernel && rm ./*.deb)
  version=$(ls "$work/kernel/lib/modules")
  depmod -b "$work/kernel" "$version"
  mkdir -p "$work/first/modules" "$work/first/bin"
  cp "$(command -v busybox)" "$work/first/bin/busybox"
  # In the order in which they depend on each other; one that several need is loaded when it is first named.
  for module in virtio_pci 9pnet_virtio 9p overlay; do
    modprobe -d "$work/kernel" -S "$version" --show-depends "$module"
  done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' >"$work/modules"
  number=100
  while read -r file; do
    cp "$file" "$work/first/modules/$number-${file##*/}"
    number=$((number + 1))
  done <"$work/modules"
  mv "$work/kernel/boot/vmlinuz-$version" "$work/vmlinuz"
  rm -rf "$cache/vmlinuz" "$cache/first" "$cache/kernel"
  mv "$work/vmlinuz" "$work/first" "$work/kernel" "$cache/"
  rm -rf "$work"
  touch "$cache/ready"
}

packages
kernel

job=$(mktemp -d)
machine=
trap '[ -z "$machine" ] || kill "$machine" 2>/dev/null || true; rm -rf "$job"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
for word in "$@"; do
  # Each word in quotes of its own; a quote in it is closed, escaped and opened again.
  printf "'%s' " "$(printf %s "$word" | sed "s/'/'\\\\''/g")"
done >"$job/command"
printf '%s' "$PWD" >"$job/folder"
printf '%s' "$PATH" >"$job/path"
printf '%s' "$cache/kernel/lib/modules" >"$job/modules"

cp -r "$cache/first" "$job/first"
cp "$(dirname "$0")/vm-init.sh" "$job/first/init"
chmod 755 "$job/first/init"
(cd "$job/first" && find . | cpio --quiet -o -H newc) >"$job/initrd"

share() { echo "-fsdev local,id=$1,security_model=none,multidevs=remap,path=$2${3:-} -device virtio-9p-pci,fsdev=$1,mount_tag=$1"; }
# shellcheck disable=SC2046
timeout "${NETLAB_VM_TIMEOUT:-900}" qemu-system-x86_64 -machine q35,accel=tcg -cpu max -smp 2 -m 2048 \
  -nodefaults -no-user-config -no-reboot -display none -monitor none -serial stdio \
  -kernel "$cache/vmlinuz" -initrd "$job/initrd" -append 'console=ttyS0 quiet panic=-1 mitigations=off' \
  $(share machine / ,readonly=on) $(share job "$job") </dev/null >"$job/console" 2>"$job/errors" &
machine=$!
# What COMMAND prints goes straight to a file of the job's; it is shown as it grows.
touch "$job/output"
tail -q -n +1 -f --pid="$machine" "$job/output"
code=0
wait "$machine" || code=$?
machine=
[ "$code" != 124 ] || { echo 'vm: no end within the time' >&2; exit 124; }
[ -e "$job/code" ] || { cat "$job/errors" "$job/console" >&2; die 'the machine ended before the command did'; }
exit "$(cat "$job/code")"
