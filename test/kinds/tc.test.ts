import { parseQdiscs } from '../../src/backend/iproute/read-more.ts'
import { tc, tcId } from '../../src/kinds/tc.ts'
import { readTc, tcQuestions } from '../../src/kinds/tc-text.ts'
import { joinWords, printedWords, splitWords } from '../../src/kinds/tc-words.ts'

/** What tc 6.1 prints of these on Linux 6.1. */
const printed = new Map([
  [
    'qdisc show dev x0',
    `qdisc htb 1: root refcnt 3 r2q 10 default 0x20 direct_packets_stat 7 ver 3.17 direct_qlen 1000
qdisc sfq 8001: parent 1:20 limit 127p quantum 1514b depth 127 flows 128 divisor 1024 perturb 10sec 
qdisc fq_codel 10: parent 1:10 limit 10240p flows 1024 quantum 1514 target 5ms interval 100ms memory_limit 32Mb ecn drop_batch 64 
qdisc clsact ffff: parent ffff:fff1 
`,
  ],
  [
    'class show dev x0',
    `class htb 1:10 parent 1:1 leaf 10: prio 0 quantum 125000 rate 10Mbit ceil 20Mbit linklayer ethernet burst 1600b/1 mpu 0b cburst 1600b/1 mpu 0b level 0 
class htb 1:1 root rate 20Mbit ceil 20Mbit linklayer ethernet burst 1600b/1 mpu 0b cburst 1600b/1 mpu 0b level 7 
class htb 1:20 parent 1:1 leaf 8001: prio 2 quantum 62500 rate 5Mbit ceil 20Mbit linklayer ethernet burst 1600b/1 mpu 0b cburst 1600b/1 mpu 0b level 0 
class fq_codel 10:3f parent 10: 
`,
  ],
  [
    'filter show dev x0 parent 1:',
    `filter protocol ip pref 1 u32 chain 0 
filter protocol ip pref 1 u32 chain 0 fh 800: ht divisor 1 
filter protocol ip pref 1 u32 chain 0 fh 800::801 order 2049 key ht 800 bkt 0 *flowid 1:10 not_in_hw 
  match 00000051/0000ffff at 20
  match 00060000/00ff0000 at 8
filter protocol ip pref 6 u32 chain 0 
filter protocol ip pref 6 u32 chain 0 fh 802: ht divisor 1 
filter protocol ip pref 6 u32 chain 0 fh 802::800 order 2048 key ht 802 bkt 0 *flowid 1:10 not_in_hw 
  match 00000000/00000000 at 0
 police 0x1 rate 1Mbit burst 10Kb mtu 2Kb action drop overhead 0b linklayer ethernet 
	ref 1 bind 1 

filter protocol ip pref 2 flower chain 0 
filter protocol ip pref 2 flower chain 0 handle 0x1 classid 1:10 
  eth_type ipv4
  ip_proto tcp
  dst_port 443
  not_in_hw
filter protocol ip pref 5 basic chain 0 handle 0x1 flowid 1:10 
  meta(nf_mark eq 3)

filter protocol ip pref 7 u32 chain 0 fh 2: ht divisor 16 
filter protocol ip pref 7 u32 chain 0 fh 2:5:800 order 2048 key ht 2 bkt 5 *flowid 1:10 not_in_hw 
  match 00000050/0000ffff at 20
filter protocol ip pref 8 u32 chain 0 fh 803::800 order 2048 key ht 803 bkt 0 link 2: not_in_hw 
  match 0a000000/ff000000 at 16
    hash mask 000000ff at 16 
`,
  ],
  [
    'filter show dev x0 ingress',
    `filter protocol all pref 1 matchall chain 0 
filter protocol all pref 1 matchall chain 0 handle 0x1 
  not_in_hw
	action order 1: mirred (Egress Redirect to device ifb0) stolen
	index 1 ref 1 bind 1

filter protocol ip pref 4 flower chain 5 handle 0x1 
  eth_type ipv4
  src_ip 10.0.0.0/8
  skip_hw
  not_in_hw
	action order 1: gact action goto chain 6
	 random type none pass val 0
	 index 3 ref 1 bind 1

`,
  ],
  [
    'filter show dev x0 egress',
    `filter protocol ip pref 7 u32 chain 0 fh 803::800 order 2048 key ht 803 bkt 0 terminal flowid not_in_hw 
  match 00000000/00000000 at 0
	action order 1:  police 0x2 rate 1Mbit burst 10Kb mtu 2Kb action drop/pipe overhead 0b linklayer ethernet 
	ref 1 bind 1 

	action order 2: skbedit  mark 5 pipe
	 index 2 ref 1 bind 1

`,
  ],
])

test('an interface is asked about its qdiscs, its classes, and the filters of what may have some', () =>
  expect(
    tcQuestions('x0', [
      { kind: 'htb', handle: '1:' },
      { kind: 'pfifo', handle: '10:' },
      { kind: 'clsact', handle: 'ffff:' },
    ]),
  ).toEqual([
    'qdisc show dev x0',
    'class show dev x0',
    'filter show dev x0 parent 1:',
    'filter show dev x0 ingress',
    'filter show dev x0 egress',
  ]))

test('what tc prints is read, each after what it hangs on, with the words that make it', () =>
  expect(readTc('x0', printed, () => true).map((spec) => `${tcId('', spec)} | ${joinWords(spec.words)}`)).toEqual([
    '/x0/qdisc | r2q 10 default 0x20 direct_qlen 1000',
    '/x0/qdisc/clsact | ',
    '/x0/class/1:1 | rate 20Mbit ceil 20Mbit linklayer ethernet burst 1600b/1 mpu 0 cburst 1600b/1 mpu 0',
    '/x0/class/1:10 | prio 0 quantum 125000 rate 10Mbit ceil 20Mbit linklayer ethernet burst 1600b/1 mpu 0 cburst 1600b/1 mpu 0',
    '/x0/class/1:20 | prio 2 quantum 62500 rate 5Mbit ceil 20Mbit linklayer ethernet burst 1600b/1 mpu 0 cburst 1600b/1 mpu 0',
    '/x0/qdisc/1:20 | limit 127 quantum 1514 depth 127 flows 128 divisor 1024 perturb 10',
    '/x0/qdisc/1:10 | limit 10240 flows 1024 quantum 1514 target 5ms interval 100ms memory_limit 32Mb ecn drop_batch 64',
    '/x0/filter/1: protocol ip pref 1 u32 ::801 | flowid 1:10 match u32 0x00000051 0x0000ffff at 20 match u32 0x00060000 0x00ff0000 at 8',
    '/x0/filter/1: protocol ip pref 6 u32 ::800 | flowid 1:10 match u32 0x00000000 0x00000000 at 0 police rate 1Mbit burst 10Kb mtu 2Kb conform-exceed drop overhead 0 linklayer ethernet',
    '/x0/filter/1: protocol ip pref 2 flower 0x1 | classid 1:10 ip_proto tcp dst_port 443',
    "/x0/filter/1: protocol ip pref 5 basic 0x1 | flowid 1:10 match 'meta(nf_mark eq 3)'",
    '/x0/filter/1: protocol ip pref 7 u32 2: | divisor 16',
    '/x0/filter/1: protocol ip pref 7 u32 2:5:800 | ht 2:5: flowid 1:10 match u32 0x00000050 0x0000ffff at 20',
    '/x0/filter/1: protocol ip pref 8 u32 ::800 | link 2: match u32 0x0a000000 0xff000000 at 16 hashkey mask 0x000000ff at 16',
    '/x0/filter/ingress protocol all pref 1 matchall 0x1 | action mirred egress redirect dev ifb0',
    '/x0/filter/ingress protocol ip pref 4 chain 5 flower 0x1 | src_ip 10.0.0.0/8 skip_hw action goto chain 6',
    '/x0/filter/egress protocol ip pref 7 u32 ::800 | match u32 0x00000000 0x00000000 at 0 action police rate 1Mbit burst 10Kb mtu 2Kb conform-exceed drop/pipe overhead 0 linklayer ethernet action skbedit mark 5 pipe',
  ]))

const spec = (object: 'qdisc' | 'class' | 'filter', kind: string, text: string) => ({
  ...{ object, kind, text, dev: 'x0', parent: '1:10', handle: '1:', words: printedWords(object, kind, text) },
})

test.each([
  ['qdisc', 'fq_codel', 'limit 10p target 5ms', 'limit 10p target 6ms', ['target 5ms 6ms']],
  ['qdisc', 'fq_codel', 'limit 10p flows 8', 'limit 10p flows 9', ['flows 8 9 forced']],
  ['qdisc', 'fq_codel', 'limit 10p ecn', 'limit 10p', ['settings limit 10p ecn limit 10p forced']],
  ['qdisc', 'drr', 'a 1', 'a 2', ['a 1 2 forced']],
  ['class', 'htb', 'rate 1Mbit ceil 2Mbit', 'rate 1Mbit ceil 3Mbit', ['ceil 2Mbit 3Mbit']],
  ['class', 'hfsc', 'sc m1 0bit d 0us m2 1Mbit', 'sc m1 0bit d 0us m2 2Mbit', ['m2 1Mbit 2Mbit']],
  ['filter', 'u32', 'flowid 1:1 match 0/0 at 0', 'flowid 1:2 match 0/0 at 0', ['flowid 1:1 1:2']],
  ['filter', 'u32', 'flowid 1:1 match 0/0 at 0', 'flowid 1:1 match 1/1 at 0', ['match 0/0 1/1 forced']],
  ['filter', 'flower', 'classid 1:1 dst_port 1', 'classid 1:1 dst_port 2', ['dst_port 1 2']],
  ['filter', 'matchall', 'flowid 1:1', 'flowid 1:2', ['flowid 1:1 1:2 forced']],
] as const)('a %s %s with "%s" is to have "%s"', (object, kind, live, desired, differences) =>
  expect(
    tc
      .compare(spec(object, kind, live), spec(object, kind, desired))
      .map(({ field, from, to, forces }) => `${field} ${String(from)} ${String(to)}${forces ? ' forced' : ''}`),
  ).toEqual(differences),
)

test('quotes hold words together', () => {
  expect(splitWords(`basic match 'meta(a eq 3)' "b c" d`)).toEqual(['basic', 'match', 'meta(a eq 3)', 'b c', 'd'])
  expect(joinWords(['a', 'b c'])).toBe("a 'b c'")
})

test('qdiscs whose options are no JSON are read without these', () =>
  expect(
    parseQdiscs(
      '[{"kind":"hfsc","handle":"1:","dev":"e2","root":true,"refcnt":2,"options":{default 2 }},{"kind":"htb","handle":"2:","dev":"e3","options":{"default":"0x1"}}]',
    ),
  ).toEqual([
    { kind: 'hfsc', handle: '1:', dev: 'e2', root: true, refcnt: 2, options: {} },
    { kind: 'htb', handle: '2:', dev: 'e3', options: { default: '0x1' } },
  ]))
