import { HERE_NAME } from '../../src/model/place.ts'
import { compareIptables } from '../../src/kinds/iptables.ts'
import { compareNft, nftablesResource } from '../../src/kinds/nftables.ts'
import { firewallIn, written, type Firewall } from '../support/firewall.ts'
import { openWorld, type World } from '../support/netns.ts'

let world: World
let fw: Firewall

beforeAll(async () => {
  world = await openWorld()
  fw = firewallIn(world)
})
afterAll(() => world?.close())
beforeEach(() => fw.sh(undefined, 'nft flush ruleset'))

const save = async () => (await fw.sh(undefined, 'iptables-save')).split('\n').filter((line) => /^(-A|:[^ ]+ (-|DROP))/.test(line)) // prettier-ignore
const mark = '-m comment --comment "netlab:web"'
const foreign = `iptables -P FORWARD DROP; iptables -N DOCKER; iptables -A FORWARD -j DOCKER; iptables -A FORWARD -j REJECT
iptables -A DOCKER -p tcp -j RETURN; iptables -A FORWARD -m comment --comment "netlab:other" -j LOG`

test('the machine’s own rules, policies and chains are never touched', async () => {
  await fw.sh(undefined, foreign)
  const before = await save()
  const value = { filter: { FORWARD: ['-i a -j ACCEPT', '-j LAB'], LAB: ['-o b -j DROP', '-o c -j DROP'] } }
  const [desired] = await fw.canonical(written('host', value, { borrowed: HERE_NAME }))
  expect(await fw.live('host', 'iptables', HERE_NAME)).toBeUndefined()
  await fw.apply(desired!)
  const after = await save()
  expect(after.filter((line) => line.startsWith('-A FORWARD')).slice(0, 2)).toEqual([`-A FORWARD -i a ${mark} -j ACCEPT`, `-A FORWARD ${mark} -j LAB`]) // prettier-ignore
  expect(after.filter((line) => !line.includes(mark) && line !== ':LAB - [0:0]')).toEqual(before)
  const live = await fw.live('host', 'iptables', HERE_NAME)
  expect(compareIptables(live!.spec, desired!.spec)).toEqual([])

  await fw.sh(
    undefined,
    'iptables -I FORWARD 1 -s 9.9.9.9 -j DROP; iptables -I FORWARD 3 -s 8.8.8.8 -j DROP; iptables -I LAB 2 -s 7.7.7.7 -j DROP',
  )
  expect(compareIptables((await fw.live('host', 'iptables', HERE_NAME))!.spec, desired!.spec)).toEqual([])
  const edited = { filter: { FORWARD: ['-i a -j ACCEPT', '-i x -j ACCEPT', '-j LAB'], LAB: ['-o c -j DROP'] } }
  const [next] = await fw.canonical(written('host', edited, { borrowed: HERE_NAME }))
  await fw.apply(next!)
  expect((await save()).filter((line) => /-A FORWARD.*(netlab:web|9.9.9.9|8.8.8.8)/.test(line))).toEqual([
    '-A FORWARD -s 9.9.9.9/32 -j DROP',
    `-A FORWARD -i a ${mark} -j ACCEPT`,
    `-A FORWARD -i x ${mark} -j ACCEPT`,
    '-A FORWARD -s 8.8.8.8/32 -j DROP',
    `-A FORWARD ${mark} -j LAB`,
  ])

  await fw.execute(fw.emissions(undefined, await fw.live('host', 'iptables', HERE_NAME)))
  const left = await save()
  expect(left.some((line) => line.includes(mark))).toBe(false)
  // Somebody else's rule is in LAB: the chain stays with it.
  expect(left).toEqual(expect.arrayContaining([...before, ':LAB - [0:0]', '-A LAB -s 7.7.7.7/32 -j DROP']))
})

test('a chain that exists already is not taken over', async () => {
  await fw.sh(undefined, foreign)
  const before = await save()
  const [desired] = await fw.canonical(written('host', { filter: { DOCKER: ['-j DROP'] } }, { borrowed: HERE_NAME }))
  await expect(fw.apply(desired!)).rejects.toThrow(/exists/)
  expect(await save()).toEqual(before)
})

test('only nft tables that are called as the lab’s are read, changed and removed', async () => {
  await fw.sh(undefined, 'nft add table inet foreign; nft add table inet netlab_web2')
  const text = (rule: string) => `table inet netlab_web.nat {\n chain c {\n ${rule}\n }\n}\n`
  const make = async (rule: string) =>
    (await fw.canonical(nftablesResource('host', text(rule), 'web', { borrowed: HERE_NAME })))[0]!
  const desired = await make('accept')
  await fw.apply(desired)
  expect(compareNft((await fw.live('host', 'nftables', HERE_NAME))!.spec, desired.spec)).toEqual([])
  await fw.apply(await make('drop'))
  await fw.execute(fw.emissions(undefined, await fw.live('host', 'nftables', HERE_NAME)))
  expect(await fw.sh(undefined, 'nft list tables')).toBe('table inet foreign\ntable inet netlab_web2\n')
  const other = nftablesResource('host', 'table inet foreign {\n}\n', 'web', { borrowed: HERE_NAME })
  await expect(fw.canonical(other)).rejects.toThrow(/not called as the lab's/)
})
