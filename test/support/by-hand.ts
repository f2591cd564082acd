/** What somebody has made with ip, bridge, tc, ipset, iptables and nft. */
export const BY_HAND = `
for n in r h s; do ip netns add $n; ip -n $n link set dev lo up; done
ip -n r link add e0 address 02:00:00:00:ad:01 type veth peer name e0 address 02:00:00:00:ad:02 netns h
ip -n r addr add 10.0.0.1/24 dev e0; ip -n h addr add 10.0.0.2/24 dev e0
ip -n r addr add fd00::1/64 dev e0 nodad; ip -n h addr add fd00::2/64 dev e0 nodad
ip -n r link set dev e0 up; ip -n h link set dev e0 up
ip -n r nexthop add id 1 via 10.0.0.2 dev e0
ip -n r nexthop add id 2 blackhole
ip -n r nexthop add id 3 via fd00::2 dev e0
ip -n r nexthop add id 4 group 1
ip -n r nexthop add id 5 group 1 type resilient buckets 4 idle_timer 60
ip -n r nexthop add id 6 via 10.0.0.9 fdb
ip -n r route add 10.1.0.0/16 nhid 1
ip -n r route add 10.2.0.0/16 nhid 5
ip -n r route add 10.3.0.0/16 via 10.0.0.2 mtu 1400 advmss 1300
ip -n r route add fd01::/64 via fd00::2 metric 7
ip -n r route add unreachable 10.4.0.0/16
ip -n r route add 10.5.0.0/16 encap seg6 mode encap segs fd00::9 via 10.0.0.2
ip -n r route add 10.6.0.0/16 nexthop via 10.0.0.2 weight 2 nexthop via 10.0.0.3
ip -n r route add 10.7.0.0/16 via 10.0.0.2 table 7 src 10.0.0.1 onlink dev e0
ip -n r rule add priority 5 from 10.0.0.0/8 fwmark 1/0xff table 7
ip -n r rule add priority 6 not to 10.9.0.0/16 ipproto tcp dport 80-90 goto 9
ip -n r rule add priority 9 nop
ip -n r -6 rule add priority 9 iif e0 blackhole
ip -n r neigh add 10.0.0.9 lladdr 02:00:00:00:00:09 dev e0
ip -n r neigh add proxy 10.0.0.8 dev e0
ip netns exec r ipset create good hash:ip
ip netns exec r ipset add good 10.0.0.5
ip netns exec r iptables -A INPUT -m set --match-set good src -j ACCEPT
ip netns exec r sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
ip netns exec r ip6tables -P FORWARD DROP
ip netns exec r ip6tables -A FORWARD -s fd00::/64 -p tcp -m tcp --dport 443 -j ACCEPT
ip netns exec r ip6tables -t mangle -A PREROUTING -i e0 -j MARK --set-xmark 0x1/0xff
ip netns exec s nft 'table ip g {
  set ports { type inet_service; flags interval; elements = { 80, 443, 8000-8010 }; };
  map whence { type ipv4_addr : verdict; elements = { 10.8.0.2 : accept, 10.8.0.3 : drop }; };
  chain in { type filter hook input priority 0; tcp dport @ports accept; ip saddr vmap @whence; }; }'
ip netns exec h nft 'table inet f { chain in { type filter hook input priority 0; tcp dport 22 accept; }; }'
tc -n h qdisc add dev e0 root tbf rate 10mbit burst 32kb limit 96356
ip -n s link add br0 address 02:00:00:00:ad:03 type bridge stp_state 1 priority 4096
ip -n s link add p0 address 02:00:00:00:ad:04 type veth peer name e1 address 02:00:00:00:ad:05 netns h
ip -n s link set dev p0 master br0
for l in br0 p0; do ip -n s link set dev $l up; done; ip -n h link set dev e1 up
tc -n h qdisc add dev e1 root handle 1: htb default 0x20 r2q 20
tc -n h class add dev e1 parent 1: classid 1:10 htb rate 10mbit ceil 20mbit prio 3
tc -n h class add dev e1 parent 1: classid 1:20 htb rate 1mbit
tc -n h qdisc add dev e1 parent 1:10 handle 10: pfifo limit 77
tc -n h filter add dev e1 parent 1: protocol ip pref 5 u32 match ip dst 10.8.0.0/16 flowid 1:10
tc -n h qdisc add dev e1 clsact
tc -n h filter add dev e1 ingress protocol ip pref 7 u32 match ip src 10.66.0.0/16 flowid 1:1
ip -n s link set dev p0 type bridge_slave isolated on cost 7
ip -n s addr add 10.8.0.1/24 dev br0
bridge -n s fdb add 02:00:00:00:aa:01 dev p0 master static
bridge -n s mdb add dev br0 port p0 grp 239.1.1.1 permanent
ip -n s link add vx0 address 02:00:00:00:ad:06 mtu 1500 type vxlan id 7 local 10.8.0.1 remote 10.8.0.2 dstport 4789
ip -n s link set dev vx0 up
bridge -n s fdb append 00:00:00:00:00:00 dev vx0 dst 10.8.0.3
ip -n s link add mv0 address 02:00:00:00:ad:07 link br0 type macvlan mode private
ip -n s link set dev mv0 up
`
