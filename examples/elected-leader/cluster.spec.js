// With Vitest: vitest run
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { NODES, startCluster } from './cluster.js'

let cluster
beforeAll(async () => void (cluster = await startCluster()))
afterEach(async () => void (await cluster.net.heal()))
afterAll(() => cluster.net.close())

test('a leader whose cable is cut is replaced, and follows when it is back', async () => {
  const old = await cluster.leader()
  await cluster.net.cut(`${old}:eth0`)
  const next = await cluster.leader(NODES.filter((node) => node !== old))
  expect(await cluster.put(next, 'without the old one')).toBe(true)
  await cluster.net.heal()
  expect(await cluster.agreed()).toContain('without the old one')
  expect((await cluster.state(old)).role).toBe('follower')
})

test('a leader that hears the others and is not heard gives way', async () => {
  const old = await cluster.leader()
  await cluster.net.cut(`${old}:eth0`, { oneWay: true })
  const next = await cluster.leader(NODES.filter((node) => node !== old))
  expect(next).not.toBe(old)
  expect(await cluster.put(old, 'nobody hears it')).toBe(false)
  await cluster.net.heal()
  expect(await cluster.agreed()).not.toContain('nobody hears it')
})
