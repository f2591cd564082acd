import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { lab } from 'netlab'

let net
before(async () => (net = await lab(fileURLToPath(new URL('lab.yaml', import.meta.url)))))
afterEach(() => net.heal())
after(() => net.close())

/** What the shop says, and after how many seconds. */
async function visit() {
  const argv = ['curl', '-s', '-w', ' %{time_total}', 'http://localhost:8080']
  const [how, answer, seconds] = (await net.exec('shop', argv)).stdout.split(' ')
  return { how, answer: Number(answer), seconds: Number(seconds) }
}

test('the shop shows what the database has', async () => {
  const [first, second] = [await visit(), await visit()]
  assert.equal(first.how, 'fresh')
  assert.equal(second.answer, first.answer + 1)
})

test('visitors of a slow database wait for a second at most, and see what was there before', async () => {
  const before = await visit()
  await net.impair('db:eth0', { rate: '160kbit' }) // two seconds for a page
  const visits = await Promise.all(Array.from({ length: 20 }, visit))
  assert.deepEqual(new Set(visits.map(({ how }) => how)), new Set(['stale']))
  assert.deepEqual(new Set(visits.map(({ answer }) => answer)), new Set([before.answer]))
  assert.ok(Math.max(...visits.map(({ seconds }) => seconds)) < 1)
})

test('the shop takes up a database that has recovered', async () => {
  await net.impair('db:eth0', { rate: '160kbit' })
  assert.equal((await visit()).how, 'stale')
  await net.heal()
  const end = Date.now() + 5000
  let last
  do last = await visit()
  while (last.how === 'stale' && Date.now() < end)
  assert.equal(last.how, 'fresh')
})
