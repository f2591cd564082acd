# Starts netlab on a machine of a lab, from the user's cache; what is not there yet comes on standard input.
id=$1 arch=$2
cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/netlab
home=$cache/$id
say() {
  echo "netlab-boot $*"
}
fail() {
  say fails "$*"
  exit 1
}
[ "$(uname -m)" = "$arch" ] || fail "it is $(uname -m), and this machine is $arch"
for tool in node ip tar gzip sha256sum; do
  command -v $tool >/dev/null || missing="$missing $tool"
done
[ -z "$missing" ] || fail "it lacks$missing"
if [ -f "$home/dist/netlab.cjs" ]; then
  say ready
else
  say send
  umask 077
  read -r size sum
  rm -rf "$home.$$"
  mkdir -p "$home.$$/node_modules" && cd "$home.$$" && head -c "$size" >pack || fail "$cache cannot be written to"
  echo "$sum  pack" | sha256sum -c >/dev/null 2>&1 || fail 'netlab did not arrive whole'
  tar -xzf pack && mv koffi node_modules && rm pack || fail "$cache cannot be written to"
  mv -T "$home.$$" "$home" 2>/dev/null || { rm -rf "$home.$$"; [ -f "$home/dist/netlab.cjs" ] || fail "$home cannot be made"; }
  cd / || exit
  say ready
fi
PATH=$PATH:/usr/sbin:/sbin exec node "$home/dist/netlab.cjs" machine
