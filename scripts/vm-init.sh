#!/bin/busybox sh
# The first process of the virtual machine of scripts/vm.sh: puts memory over this machine's files, runs the job there.
/bin/busybox --install -s /bin
export PATH=/bin
mkdir -p /proc /sys /dev /lower /memory /root
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
ln -s /proc/self/fd /dev/fd
ln -s fd/0 /dev/stdin
ln -s fd/1 /dev/stdout
ln -s fd/2 /dev/stderr
for module in /modules/*.ko; do insmod "$module"; done

over9p() { mount -t 9p -o "trans=virtio,version=9p2000.L,msize=524288,$3" "$1" "$2"; }
over9p machine /lower ro,cache=loose
mount -t tmpfs memory /memory
mkdir /memory/upper /memory/work
mount -t overlay -o lowerdir=/lower,upperdir=/memory/upper,workdir=/memory/work machine /root
for folder in proc sys dev; do mount -o move "/$folder" "/root/$folder"; done
mount -t tmpfs tmpfs /root/run
mkdir -p /root/run/netns /root/run/job /root/lib/modules
over9p job /root/run/job rw
mount -o bind "/root$(cat /root/run/job/modules)" /root/lib/modules

# The kernel looks for modprobe where process 1 has its root: it goes there itself.
cat >/root/run/start <<'END'
export PATH="$(cat /run/job/path)" HOME=/root LC_ALL=C.UTF-8
{
  ip link set dev lo up
  modprobe tun
  cd "$(cat /run/job/folder)" && (eval "$(cat /run/job/command)")
} </dev/null >/run/job/output 2>&1
echo $? >/run/job/code
sync
exec busybox poweroff -f
END
exec switch_root /root /bin/sh /run/start
