import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { lab } from 'netlab'

const here = (name) => fileURLToPath(new URL(name, import.meta.url))
let net
before(async () => (net = await lab(here('lab.yaml'))))
afterEach(() => net.heal())
after(() => net.close())

const client = async () => (await net.exec('app', [process.execPath, here('client.js')])).stdout.trim()

test('the database answers', async () => {
  const { summary } = await net.test()
  assert.deepEqual(summary, { pass: 1, fail: 0, error: 0 })
  assert.equal(await client(), 'HELLO')
})

test('the client survives a database that cannot be reached, and takes it up again', async () => {
  await net.cut('db:eth0')
  assert.equal(await client(), 'CACHED')
  await net.heal()
  assert.equal(await client(), 'HELLO')
})

test('and one whose answers are lost on the way', async () => {
  await net.partition(['app'], ['db'])
  assert.equal(await client(), 'CACHED')
})
