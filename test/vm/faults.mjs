// Faults that need netem, and what they measure: delays, losses and rates, within 5 %.
import { writeFileSync } from 'node:fs'

const LAB = `
namespaces:
  a: { interfaces: { eth0: { addresses: [10.0.0.1/24], impairments: { delay: 5ms } } } }
  b: { interfaces: { eth0: { addresses: [10.0.0.2/24] } } }
  c: { interfaces: { eth0: { addresses: [10.0.0.3/24] } } }
  sw: { bridges: { br0: } }
links:
  - endpoints: [a:eth0, sw:br0]
  - endpoints: [b:eth0, sw:br0]
  - endpoints: [c:eth0, sw:br0]
`
/** Bytes of a UDP datagram and of its Ethernet frame. */
const [PAYLOAD, FRAME] = [1472, 1514]

const RECEIVER = `
const socket = require('node:dgram').createSocket('udp4')
let first, last, count = 0
socket.on('message', () => { last = performance.now(); if (first === undefined) first = last; else count++ })
socket.bind(7000, () => console.log('ready'))
process.on('SIGTERM', () => { console.log(count * ${FRAME} * 8000 / (last - first)); process.exit() })
`
const SENDER = `
const socket = require('node:dgram').createSocket('udp4')
const end = Date.now() + 15000
const more = () => { if (Date.now() > end) return process.exit(); for (let i = 0; i < 4; i++) socket.send(Buffer.alloc(${PAYLOAD}), 7000, '10.0.0.2'); setTimeout(more, 20) }
more()
`

export function faults({ check, must, netlab, plan, sh }) {
  const file = '/tmp/faults.yaml'
  writeFileSync(file, LAB)
  writeFileSync('/tmp/receiver.cjs', RECEIVER)
  writeFileSync('/tmp/sender.cjs', SENDER)
  must(netlab('apply', file, '-y'))
  // The shortest, because this machine is emulated: it may keep a packet for longer, and never for less.
  const roundTrip = (to) => Number(/= ([\d.]+)\//.exec(sh(`ip netns exec a ping -q -i 0.3 -c 20 ${to}`))[1])
  const near = (what, actual, expected) => {
    const off = Math.abs(actual / expected - 1) * 100
    console.log(`     ${what}: ${actual.toFixed(3)}, expected ${expected} (${off.toFixed(2)} % off)`)
    check(`${what}, within 5 %`, off < 5)
  }
  sh('ip netns exec a ping -c 3 10.0.0.2; ip netns exec a ping -c 3 10.0.0.3')
  const own = roundTrip('10.0.0.3') - 5
  must(netlab('impair', 'a:eth0', 'delay=50ms'))
  near('a delay of 50 ms instead of the declared 5, in ms', roundTrip('10.0.0.3') - own, 50)
  must(netlab('impair', 'a:eth0', 'delay=200ms', 'to=b'))
  near('200 ms to b alone, in ms', roundTrip('10.0.0.2') - own, 200)
  near('and 50 ms to c, in ms', roundTrip('10.0.0.3') - own, 50)
  check('no drift meanwhile', plan(file).changes, [])
  must(netlab('heal'))
  near('the declared delay again, in ms', roundTrip('10.0.0.3') - own, 5)
  check('the plan is empty', plan(file).changes, [])

  must(netlab('impair', 'a:eth0', 'loss=20%', 'delay=0ms'))
  const lost = /([\d.]+)% packet loss/.exec(sh('ip netns exec a ping -q -f -c 10000 10.0.0.2 || true'))[1]
  near('a loss of 20 %, in %', Number(lost), 20)
  must(netlab('heal'))

  must(netlab('impair', 'a:eth0', 'rate=500kbit'))
  const rate = sh(`
    ip netns exec b node /tmp/receiver.cjs >/tmp/rate & receiver=$!
    sleep 3; ip netns exec a node /tmp/sender.cjs; sleep 1; kill $receiver; wait $receiver || true; tail -1 /tmp/rate`)
  near('a rate of 500 kbit, in kbit', Number(rate) / 1e3, 500)
  must(netlab('destroy', file, '-y'))
}
