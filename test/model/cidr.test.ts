import fc from 'fast-check'
import ipaddr from 'ipaddr.js'
import { canonicalAddress, contains, parseCidr, subnetOf } from '../../src/model/cidr.ts'
import '../support/seed.ts'

const four = fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 }))

test('IPv4 addresses and subnets are what the library makes of them', () => {
  fc.assert(
    fc.property(four, fc.ipV4(), ([address, prefix], other) => {
      const cidr = { family: 4 as const, address, prefix }
      const network = ipaddr.IPv4.networkAddressFromCIDR(`${address}/${prefix}`).toString()
      expect(canonicalAddress(address)).toBe(ipaddr.IPv4.parse(address).toString())
      expect(parseCidr(`${address}/${prefix}`)).toEqual(cidr)
      expect(subnetOf(cidr)).toBe(`${network}/${prefix}`)
      expect(contains(cidr, other)).toBe(ipaddr.IPv4.parse(other).match(ipaddr.IPv4.parse(address), prefix))
    }),
  )
})

test('the edges of subnets', () => {
  const cidr = { family: 4 as const, address: '10.0.0.9', prefix: 30 }
  expect(['10.0.0.7', '10.0.0.8', '10.0.0.11', '10.0.0.12'].map((a) => contains(cidr, a))).toEqual([
    ...[false, true, true, false],
  ])
  expect(contains({ ...cidr, prefix: 0 }, '255.255.255.255')).toBe(true)
  expect(subnetOf({ family: 4, address: '255.255.255.255', prefix: 1 })).toBe('128.0.0.0/1')
})

test.each(['10.0.0', '10.0.0.256', '010.0.0.1', '10.0.0.1 ', '1.2.3.4.5', '0x0a.0.0.1', '10.0.0.-1', ''])(
  '%j is not an address',
  (text) => {
    expect(canonicalAddress(text)).toBeUndefined()
    expect(ipaddr.IPv4.isValidFourPartDecimal(text)).toBe(false)
  },
)
