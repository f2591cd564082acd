// Numbers of attributes that both the encoders and the decoders need.

/** Attributes of routes (rtnetlink.h). */
export const RTA = {
  dst: 1,
  src: 2,
  oif: 4,
  gateway: 5,
  priority: 6,
  prefsrc: 7,
  metrics: 8,
  multipath: 9,
  flow: 11,
  table: 15,
  via: 18,
  newdst: 19,
  pref: 20,
  encapType: 21,
  encap: 22,
  ttlPropagate: 26,
  nhId: 30,
} as const

/** Attributes of rules (fib_rules.h). */
export const FRA = {
  dst: 1,
  src: 2,
  iifname: 3,
  goto: 4,
  priority: 6,
  fwmark: 10,
  flow: 11,
  tunId: 12,
  suppressIfgroup: 13,
  suppressPrefix: 14,
  table: 15,
  fwmask: 16,
  oifname: 17,
  l3mdev: 19,
  uidRange: 20,
  protocol: 21,
  ipProto: 22,
  sport: 23,
  dport: 24,
} as const

/** Attributes of links (if_link.h). */
export const IFLA = {
  address: 1,
  broadcast: 2,
  ifname: 3,
  mtu: 4,
  link: 5,
  master: 10,
  txqlen: 13,
  linkmode: 17,
  linkinfo: 18,
  ifalias: 20,
  afSpec: 26,
  group: 27,
  netNsFd: 28,
  numTxQueues: 31,
  numRxQueues: 32,
  linkNetnsid: 37,
  protoDown: 39,
  gsoMaxSegs: 40,
  gsoMaxSize: 41,
  groMaxSize: 58,
  tsoMaxSize: 59,
  tsoMaxSegs: 60,
} as const

/** Attributes in IFLA_LINKINFO (if_link.h). */
export const INFO = { kind: 1, data: 2, slaveKind: 4, slaveData: 5 } as const

/** Attributes of addresses (if_addr.h). */
export const IFA = {
  address: 1,
  local: 2,
  label: 3,
  broadcast: 4,
  cacheinfo: 6,
  flags: 8,
  metric: 9,
  proto: 11,
} as const

/** Attributes of neighbours and forwarding entries (neighbour.h). */
export const NDA = {
  dst: 1,
  lladdr: 2,
  vlan: 5,
  port: 6,
  vni: 7,
  ifindex: 8,
  master: 9,
  linkNetnsid: 10,
  protocol: 12,
  nhId: 13,
  flagsExt: 15,
} as const

/** Marks an attribute that contains others, for the requests that want it (netlink.h). */
export const NLA_F_NESTED = 0x8000

/** Attributes of multicast entries of bridges (if_bridge.h): MDBA_*, MDBA_MDB_*, MDBA_MDB_EATTR_*, MDBA_SET_*, MDBE_ATTR_*. */
export const MDBA = {
  mdb: 1,
  entry: 1,
  entryInfo: 1,
  entrySource: 4,
  entryProtocol: 5,
  setEntry: 1,
  setAttributes: 2,
  setSource: 1,
} as const

/** Attributes of nexthop objects (nexthop.h). */
export const NHA = {
  id: 1,
  group: 2,
  groupType: 3,
  blackhole: 4,
  oif: 5,
  gateway: 6,
  encapType: 7,
  encap: 8,
  fdb: 11,
  resGroup: 12,
} as const

/** Attributes in NHA_RES_GROUP. */
export const NHA_RES_GROUP = { buckets: 1, idleTimer: 2, unbalancedTimer: 3 } as const
