# Runs a command of netlab on a machine of a lab, from the user's cache; what is not there yet comes on standard input.
id=$1 arch=$2 command=$3 new='' missing=''
shift 2
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/netlab
home=$cache/$id
# On a line of its own, also after the words of a login shell.
say() {
  printf '\nnetlab-boot %s\n' "$*"
}
fail() {
  [ -z "$new" ] || rm -rf "$new"
  say fails "$*"
  exit 1
}
[ "$(uname -m)" = "$arch" ] || fail "it is $(uname -m), and this machine is $arch"
version=$(node --version 2>/dev/null) binary=$(command -v netlab)
major=${version#v} major=${major%%.*}
if [ "${major:-0}" -ge 20 ]; then
  set -- node "$home/dist/netlab.cjs" "$@"
elif [ -n "$binary" ] && [ "$(head -c 4 "$binary" | tail -c 3)" = ELF ]; then
  export NETLAB_HOME="$home"
  set -- "$binary" "$@" # the single binary has Node inside (src/binary.ts)
else
  missing=" Node.js 20 or newer${version:+ (it has $version)},"
fi
for tool in ip:iproute2 tar:tar gzip:gzip sha256sum:coreutils; do
  command -v "${tool%:*}" >/dev/null || missing="$missing ${tool#*:},"
done
[ -z "$missing" ] || fail "it lacks${missing%,}"
if [ ! -e "$home" ]; then
  say send
  mask=$(umask)
  umask 077
  new=$home.$$
  # What was cut off on its way is of no use to anybody.
  find "$cache" -maxdepth 1 -name '*.*' -mmin +60 -exec rm -rf {} + 2>/dev/null
  # What was asked for meanwhile comes once more, behind netlab.
  lines=0
  while read -r word size sum && [ "$word" != pack ]; do
    [ $((lines += 1)) -le 1000 ] || fail 'something else writes to its input'
  done
  mkdir -p "$new" && head -c "$size" >"$new/pack" || fail "$cache cannot be written to"
  echo "$sum  $new/pack" | sha256sum -c >/dev/null 2>&1 || fail 'netlab did not arrive whole'
  tar -xzf "$new/pack" -C "$new" && rm "$new/pack" || fail "$cache cannot be written to"
  mv -T "$new" "$home" 2>/dev/null || [ -e "$home" ] || fail "$home cannot be made"
  rm -rf "$new"
  umask "$mask"
fi
[ -O "$home" ] || fail "$home belongs to another user"
# On a terminal, nothing is printed besides what the command prints.
[ "$command" = enter ] || say ready
# When node starts, it would read all of these certificates, which takes it longer than all else. Programs get the variable back (src/main.ts).
if [ -n "${NODE_EXTRA_CA_CERTS-}" ]; then
  export NETLAB_CA_CERTS="$NODE_EXTRA_CA_CERTS"
  unset NODE_EXTRA_CA_CERTS
fi
exec "$@"
