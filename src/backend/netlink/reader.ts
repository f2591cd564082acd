import { UserError } from '../../model/diagnostic.ts'
import type { Host } from '../../model/host.ts'
import { markOf } from '../../model/owner.ts'
import type { Dump, DumpRequest, IpLink, Runner } from '../../model/runner.ts'
import { hasIpset, hasLegacy, readFirewalls, readIpsets, type Walled } from '../iproute/read-firewalls.ts'
import { parallel, PROGRAMS_AT_ONCE } from '../../host/parallel.ts'
import { placeIn } from '../../model/place.ts'
import { askQdiscs, askSettings, type LinkName, type Settings } from '../iproute/read-more.ts'
import type { Channel, Threads } from './channel.ts'
import { decodeDump, objects, requests, sets, tables, type Decoded } from './dump.ts'
import { NotUnderstood } from './answer.ts'
import { collector } from './message.ts'
import type { ReadResult, Reply } from './thread-protocol.ts'
import { fdbRequest } from './read-fdb.ts'
import { mdbRequest } from './read-mdb.ts'
import { nexthopRequest } from './read-nexthops.ts'
import { filesOf, readFiles, recipe, sysctls, type Recipe } from './read-sysctls.ts'

/** What was learnt of a namespace; undefined when it vanished, `foreign` when only the programs understand it. */
interface Learnt {
  known?: Decoded | 'foreign'
  files?: readonly (string | undefined)[]
  /** All that it takes, but for what programs are still to be asked. */
  dump?: Dump
}

/** What is to be read, and what is known of it so far. */
interface Order {
  readonly wanted: readonly DumpRequest[]
  readonly recipes: ReadonlyMap<readonly string[], Recipe>
  readonly learnt: readonly Learnt[]
  /** nft is missing: only the programs that are there can tell whether there are rules. */
  readonly blind: boolean
  readonly epoch: number
  /** Asks the programs. */
  readonly programs: Runner
  readonly onDump?: ((index: number, dump: Dump) => void) | undefined
}

/** Reads namespaces through the thread; where `many` of them have files, a second one begins with those meanwhile. */
export const reader =
  ({ one, other }: Threads, names: { readonly epoch: number }, many: number, programs: Runner): Runner['dump'] =>
  async (wanted, onDump) => {
    const learnt = wanted.map((): Learnt => ({}))
    const recipes = new Map<readonly string[], Recipe>()
    for (const { sysctls: keys } of wanted) if (!recipes.has(keys)) recipes.set(keys, recipe(keys))
    const every = [...wanted.keys()]
    const filed = every.filter((i) => recipes.get(wanted[i]?.sysctls ?? [])?.files.length)
    const blind = wanted.some(({ depth }) => depth === 'all') && programs.host.find('nft') === undefined
    const order = { wanted, recipes, learnt, blind, epoch: names.epoch, programs, onDump }
    if (filed.length < many) {
      // It keeps up with the main thread, which makes something of the answers; two would wait for each other in the kernel.
      await ask(one, order, every, 'both')
    } else {
      const answers = ask(one, order, every, 'answers')
      // Where it is not known yet whose they are, files come later.
      if (wanted.some(({ owner }) => owner !== undefined)) await answers
      const next = new Int32Array(new SharedArrayBuffer(4))
      const mine = filed.filter((i) => learnt[i]?.known === undefined || isWhole(learnt[i]))
      const threads = mine.length ? [one, other()] : []
      await Promise.all([answers, ...threads.map((thread) => ask(thread, order, mine, 'files', next))])
    }
    return finish(order)
  }

/** Reads sysctls in a namespace that the thread makes for it. */
export const inherited =
  ({ one }: Threads, names: { readonly epoch: number }): Runner['inherited'] =>
  async (keys) => {
    const values = new Map<string, string>()
    const reading = { fresh: true, requests: [], files: 0, rules: false } as const
    await one.ask(
      { kind: 'read', bytes: new Uint8Array(), readings: [reading], lists: [filesOf(keys)], epoch: names.epoch },
      (reply) => {
        const files = reply.kind === 'results' ? reply.results[0]?.files : undefined
        if (reply.kind !== 'results' || !files) return
        for (const [i, text] of readFiles(asBuffer(reply.bytes), files).entries())
          if (text !== undefined) values.set(keys[i] ?? '', text)
      },
    )
    return values
  }

/** The same bytes, without copying. */
const asBuffer = ({ buffer, byteOffset, length }: Uint8Array): Buffer => Buffer.from(buffer, byteOffset, length)

const isWhole = (one: Learnt | undefined): boolean =>
  one?.known !== undefined && one.known !== 'foreign' && one.known.whole

/** Asks a thread, about the requests with these indexes, for answers of the kernel, for files, or for both. */
async function ask(
  channel: Channel,
  order: Order,
  indexes: readonly number[],
  what: 'answers' | 'files' | 'both',
  next?: Int32Array,
): Promise<void> {
  const { wanted, recipes, learnt, blind, epoch, onDump } = order
  const { host } = order.programs
  const asked = indexes.flatMap((i) => wanted[i] ?? [])
  if (asked.length === 0) return
  const { bytes, add } = collector()
  const sliced = (depth: DumpRequest['depth']) => ({
    links: add(requests[depth].links),
    requests: requests[depth].rest.map(add),
  })
  const slices = {
    mark: sliced('mark'),
    links: sliced('links'),
    plain: sliced('plain'),
    all: sliced('all'),
  }
  const netfilter = {
    netfilter: add(tables),
    fdb: add(fdbRequest),
    mdb: add(mdbRequest),
    nexthops: add(nexthopRequest),
    objects: objects.map(add),
    ...(hasIpset(host) && { sets: add(sets) }),
    ...(hasLegacy(host) && { legacy: true as const }),
  }
  const places = new Map([...recipes.keys()].map((keys, i) => [keys, i]))
  const listed = !isLegacy(host)
  const isDeep = (depth: DumpRequest['depth']): boolean => depth === 'plain' || depth === 'all'
  const readings = asked.map(({ netns, sysctls: keys, depth, owner, nftables }) => ({
    ...(what === 'files' ? { requests: [] } : slices[depth]),
    ...(owner !== undefined && what !== 'files' && { only: markOf(owner) }),
    ...placeIn(netns),
    ...(depth === 'all' && what !== 'files' && { ...netfilter, ...(nftables && { nftables }) }),
    ...(isDeep(depth) && what !== 'answers' && { files: places.get(keys) ?? 0 }),
    rules: depth === 'all' && what !== 'files' && listed,
  }))
  const lists = [...recipes.values()].map(({ files }) => files)
  let nsids: Dump['nsids'] = new Map()
  await channel.ask({ kind: 'read', bytes: bytes(), readings, lists, epoch, ...(next && { next }) }, (reply: Reply) => {
    if (reply.kind === 'names') nsids = reply.names
    if (reply.kind !== 'results') return
    const answers = asBuffer(reply.bytes)
    for (const result of reply.results) take(answers, result)
  })

  function take(answers: Buffer, result: ReadResult): void {
    const { gone, files } = result
    const index = indexes[result.index] ?? -1
    const [request, one] = [wanted[index], learnt[index]]
    if (!request || !one) return
    if (gone) return vanished(request, gone)
    if (files) one.files = readFiles(answers, files)
    if (what !== 'files') one.known = attempt(() => decodeDump(answers, result, nsids))
    if (!onDump || what !== 'both') return
    putTogether(order, index)
    if (one.dump && one.known !== 'foreign' && !isUnfinished(one.known, blind)) onDump(index, one.dump)
  }
}

/** What only the programs understand is left to them. */
function attempt<T>(read: () => T): T | 'foreign' {
  try {
    return read()
  } catch (error) {
    if (error instanceof NotUnderstood) return 'foreign'
    throw error
  }
}

/** Whether programs are to be asked for some of its links, its rules, its sets or its qdiscs. */
const isUnfinished = (known: Decoded | undefined, blind: boolean): boolean =>
  known === undefined ||
  known.foreign.length > 0 ||
  known.shaped ||
  known.sets ||
  known.tables?.length !== 0 ||
  (known.whole && blind)

/** No files were read. */
const NONE: readonly undefined[] = []

/** Makes the dump of what was learnt; what the answers leave to programs may turn out only here. */
function putTogether({ wanted, recipes, learnt }: Order, index: number): void {
  const one = learnt[index]
  const list = recipes.get(wanted[index]?.sysctls ?? [])
  if (!one?.known || one.known === 'foreign' || one.dump) return
  const { known, files = NONE } = one
  const values = list && known.whole && attempt(() => sysctls(list, known.netconf, files))
  if (values === 'foreign') one.known = values
  else one.dump = values ? { ...known.dump, sysctls: values } : known.dump
}

/** Puts together what was learnt, and asks the programs for the rest. */
async function finish(order: Order): Promise<(Dump | undefined)[]> {
  const { wanted, learnt, blind, programs } = order
  const { host } = programs
  const legacy = isLegacy(host)
  const dumps: (Dump | undefined)[] = []
  const walled: (Walled & { index: number })[] = []
  const asked: (LinkName & { index: number; key: string })[] = []
  const unfinished: { index: number; work: () => Promise<Dump | undefined> }[] = []
  for (const [index, request] of wanted.entries()) {
    putTogether(order, index)
    const { known, dump } = learnt[index] ?? {}
    const { netns } = request
    dumps[index] = dump
    if (known === 'foreign') unfinished.push({ index, work: async () => (await programs.dump([request]))[0] })
    else if (dump && known && isUnfinished(known, blind)) {
      const { tables, shaped, sets, foreign } = known
      for (const { dev, key, local } of foreign)
        asked.push({ index, dev, key: local ? `${index} ${key}` : key, ...placeIn(netns) })
      if (shaped || sets)
        unfinished.push({
          index,
          work: async () => ({
            ...dump,
            ...(shaped && { qdiscs: await askQdiscs(host, netns) }),
            ...(sets && { ipsets: await readIpsets(host, netns) }),
          }),
        })
      if (tables?.length !== 0 || (known.whole && blind))
        walled.push({
          index,
          ...placeIn(netns),
          ...(tables && !legacy && !request.nftables && { tables }),
        })
    }
  }
  await parallel(unfinished, PROGRAMS_AT_ONCE, async ({ index, work }) => void (dumps[index] = await work()))
  const settings = await askOnce(host, asked)
  for (const { index, dev, key } of asked) {
    const dump = dumps[index]
    if (dump) dumps[index] = { ...dump, links: dump.links.map((link) => withData(link, dev, settings.get(key))) }
  }
  const rules = await readFirewalls(host, walled)
  walled.forEach(({ index }, i) => {
    const dump = dumps[index]
    if (dump) dumps[index] = { ...dump, ...rules[i] }
  })
  return dumps
}

/** The settings of links, by key: of those that have the same, one is asked about. */
async function askOnce(
  host: Host,
  links: readonly (LinkName & { key: string })[],
): Promise<Map<string, Settings | undefined>> {
  const byKey = new Map(links.map((link) => [link.key, link]))
  const settings = await askSettings(host, [...byKey.values()])
  return new Map([...byKey.keys()].map((key, i) => [key, settings[i]]))
}

/** The link, with these settings of its type if it is the one of this name. */
const withData = (link: IpLink, dev: string, data: Settings | undefined): IpLink =>
  link.ifname === dev && data ? { ...link, linkinfo: { ...link.linkinfo, info_data: data } } : link

const [ENOENT, EINVAL] = [2, 22]

/** A namespace may be deleted while it is read; all other errors are thrown. */
function vanished({ netns }: DumpRequest, { errno, error }: NonNullable<ReadResult['gone']>): void {
  if (netns !== undefined && (errno === ENOENT || errno === EINVAL)) return
  throw UserError.of(
    'kernel-unreadable',
    `cannot read ${netns === undefined ? 'the network of this machine' : `namespace ${netns}`}`,
    `the kernel says: ${error}`,
  )
}

/** The iptables that keeps its rules elsewhere may have some where nftables has others. */
const isLegacy = (host: Host): boolean => host.find('iptables-save')?.includes('nft') === false
