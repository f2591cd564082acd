import { loadLab } from '../../src/language/load-lab.ts'
import type { Peer } from '../../src/machines/connect.ts'
import { openMeeting, type Ended } from '../../src/machines/meeting.ts'

const lab = loadLab({
  file: 'lab.yaml',
  lint: false,
  text: `
machines: { left: { ssh: left }, right: { ssh: right } }
namespaces:
  a: { machine: left, processes: { one: { command: [sleep, "1"] }, two: { command: [sleep, "1"], after: one } } }
  b: { machine: right, processes: { three: { command: [sleep, "1"], after: [a/one, a/two, c/four] } } }
  c: { machine: right, processes: { four: { command: [sleep, "1"] } } }
`,
})
const start = (id: string, machine: string) => [id, machine] as const

/** Three machines that note what they are asked for, and end and start programs. */
function meet(starts: (readonly [id: string, machine: string])[], ends: Record<string, Ended> = {}) {
  const log: string[] = []
  const peers = ['here', 'left', 'right'].map((name) => {
    const ask = (operation: string, input: object): Promise<null> => {
      log.push(`${name} ${operation} ${JSON.stringify(input)}`)
      return Promise.resolve(null)
    }
    return { name, ask } as unknown as Peer
  })
  return {
    log,
    peers,
    meeting: openMeeting(peers, lab, { starts: new Map(starts), ends: new Map(Object.entries(ends)) }),
  }
}

test('machines start programs when all have come to that point, or have ended', () => {
  const all = ['a/process/one', 'a/process/two'].map((id) => start(id, 'left'))
  const { log, peers, meeting } = meet([...all, start('b/process/three', 'right'), start('c/process/four', 'right')])
  const [here, left, right] = peers as [Peer, Peer, Peer]
  meeting?.take(left, { reached: true })
  meeting?.take(right, { reached: true })
  expect(log).toEqual([])
  meeting?.left(here)
  const [one, two] = ['a/process/one', 'a/process/two']
  expect(log.splice(0)).toEqual([
    'here proceed {"awaited":[],"watched":[]}',
    `left proceed {"awaited":[],"watched":["${one}","${two}"]}`,
    `right proceed {"awaited":["${one}","${two}"],"watched":[]}`,
  ])
  meeting?.take(left, { program: one, isReady: true })
  expect(log.splice(0)).toEqual([`right heard {"program":"${one}","isReady":true}`])
  // It has ended, or is lost, without a word on the other.
  meeting?.left(left)
  expect(log).toEqual([`right heard {"program":"${two}","isReady":false}`])
})

test('what is not started now is not waited for, and without programs nobody meets', () => {
  const { log, peers, meeting } = meet([start('b/process/three', 'right')])
  for (const peer of peers) meeting?.take(peer, { reached: true })
  expect(log.at(-1)).toBe('right proceed {"awaited":[],"watched":[]}')
  expect(meet([]).meeting).toBeUndefined()
})

describe('programs are ended', () => {
  const ended = (of: string, ...after: string[]): Ended => ({ of, after })

  test('before those on other machines that they come after, also when these are then started', () => {
    const { log, peers, meeting } = meet([start('two', 'left')], {
      one: ended('left'),
      two: ended('left', 'one'),
      three: ended('right', 'one', 'two', 'gone'),
      four: ended('here', 'one'),
    })
    const [here, left, right] = peers as [Peer, Peer, Peer]
    expect([here, left, right].map((peer) => meeting?.endingOn(peer))).toEqual([
      { ending: { followers: {}, watched: ['four'] } },
      { ending: { followers: { one: ['three', 'four'], two: ['three'] }, watched: [] } },
      { ending: { followers: {}, watched: ['three'] } },
    ])
    meeting?.take(right, { program: 'three', isReady: true })
    expect(log.splice(0)).toEqual(['left heard {"program":"three","isReady":true}'])
    // It is lost, or has failed before.
    meeting?.left(here)
    expect(log).toEqual(['left heard {"program":"four","isReady":false}'])
  })

  test('without waiting when nothing is to wait for, or they come after each other', () => {
    expect(meet([], { one: ended('left'), two: ended('left', 'one'), three: ended('right') }).meeting).toBeUndefined()
    const circle = { one: ended('left', 'three'), two: ended('left', 'one'), three: ended('right', 'two') }
    expect(meet([], circle).meeting).toBeUndefined()
  })
})
