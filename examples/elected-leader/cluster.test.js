// With node's own runner: node --test
import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { NODES, startCluster } from './cluster.js'

let cluster
before(async () => (cluster = await startCluster()))
afterEach(() => cluster.net.heal())
after(() => cluster.net.close())

test('what the leader has acknowledged is on every node', async () => {
  assert.ok(await cluster.put(await cluster.leader(), 'first'))
  assert.ok((await cluster.agreed()).includes('first'))
})

test('a minority acknowledges nothing, and a majority goes on', async () => {
  const old = await cluster.leader()
  const [friend, ...others] = NODES.filter((node) => node !== old)
  await cluster.net.partition([old, friend], others)
  assert.equal(await cluster.put(old, 'lost'), false)
  assert.ok(await cluster.put(await cluster.leader(others), 'kept'))
  await cluster.net.heal()
  const values = await cluster.agreed()
  assert.ok(values.includes('kept'))
  assert.ok(!values.includes('lost'))
})

test('nothing that was acknowledged is lost, however the cluster is divided', async () => {
  const acknowledged = []
  const put = async (node, value) => (await cluster.put(node, value)) && acknowledged.push(value)
  for (const [round, size] of [2, 3, 1, 4].entries()) {
    const turned = [...NODES.slice(round), ...NODES.slice(0, round)]
    const sides = [turned.slice(0, size), turned.slice(size)]
    await cluster.net.partition(...sides)
    // All nodes are asked, also one that only believes to be the leader.
    for (const node of NODES) await put(node, `${round} to ${node}`)
    await put(await cluster.leader(sides.find(({ length }) => length > 2)), `${round} to the majority`)
    await cluster.net.heal()
  }
  const values = await cluster.agreed()
  assert.ok(acknowledged.length >= 4)
  for (const value of acknowledged) assert.ok(values.includes(value), value)
})
