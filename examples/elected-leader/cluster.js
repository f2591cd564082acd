// A live cluster, for the tests: what they say to its nodes.
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { lab } from 'netlab'

export const NODES = ['n1', 'n2', 'n3', 'n4', 'n5']

export async function startCluster() {
  const net = await lab(fileURLToPath(new URL('lab.yaml', import.meta.url)))

  /** A client on the node itself: it always reaches it, whatever is cut. */
  const ask = async (node, ...options) =>
    (await net.exec(node, ['curl', '-s', '-m', '5', ...options, 'http://localhost:8000'])).stdout

  /** Whether the cluster has acknowledged the value. */
  const put = async (node, value) => (await ask(node, '-d', value)) === 'committed'
  const state = async (node) => JSON.parse(await ask(node))

  /** The leader of the latest term among these nodes, as soon as there is one that can commit. */
  async function leader(nodes = NODES) {
    for (let tries = 0; tries < 50; tries++) {
      const states = await Promise.all(nodes.map(async (node) => ({ node, ...(await state(node)) })))
      const [latest] = states.sort(
        (a, b) => b.term - a.term || Number(b.role === 'leader') - Number(a.role === 'leader'),
      )
      if (latest.role === 'leader' && (await put(latest.node, 'elected'))) return latest.node
      await sleep(100)
    }
    throw new Error(`no leader among ${nodes}`)
  }

  /** The values that each node has, as soon as all have the same. */
  async function agreed() {
    for (let tries = 0; tries < 50; tries++) {
      const all = await Promise.all(NODES.map(async (node) => (await state(node)).values))
      if (new Set(all.map(String)).size === 1) return all[0]
      await sleep(100)
    }
    throw new Error('the nodes do not agree')
  }

  return { net, put, state, leader, agreed }
}
