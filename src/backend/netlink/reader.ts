import { UserError } from '../../model/diagnostic.ts'
import type { Host } from '../../model/host.ts'
import { markOf } from '../../model/owner.ts'
import type { Dump, DumpRequest, IpLink, Runner } from '../../model/runner.ts'
import { hasIpset, hasLegacy, readFirewalls, readIpsets, type RuleSource } from '../iproute/read-firewalls.ts'
import { parallel, PROGRAMS_AT_ONCE } from '../../host/parallel.ts'
import { isPath, placeIn } from '../../model/place.ts'
import { askFou, askQdiscs, askSettings, hasFou, type LinkName, type Settings } from '../iproute/read-more.ts'
import type { Channel, Threads } from './channel.ts'
import { decodeDump, objects, requests, sets, tables, type Decoded } from './dump.ts'
import { NotUnderstood } from './answer.ts'
import { collector } from './message.ts'
import type { ReadResult, Reply } from './thread-protocol.ts'
import { fdbRequest } from './read-fdb.ts'
import { mdbRequest } from './read-mdb.ts'
import { nexthopRequest } from './read-nexthops.ts'
import { filesOf, readFiles, recipe, sysctls, type Recipe } from './read-sysctls.ts'

/** What is known of one namespace while it is being read. */
interface Progress {
  /** Absent: not read yet, or deleted meanwhile. `undecoded`: only iproute2 can decode it. */
  known?: Decoded | 'undecoded'
  files?: readonly (string | undefined)[]
  /** Without what programs still have to be asked for. */
  dump?: Dump
}

/** One call of `dump`: the requests, and what is known of each namespace so far. */
interface Order {
  readonly wanted: readonly DumpRequest[]
  readonly recipes: ReadonlyMap<readonly string[], Recipe>
  readonly progress: readonly Progress[]
  /** nft is not installed, so only the programs of iptables can show whether there are rules. */
  readonly lacksNft: boolean
  /** The kernel has loaded what makes ports for tunnels, which only `ip` lists. */
  readonly hasPorts: boolean
  readonly epoch: number
  /** Reads with iproute2 what is not decoded here. */
  readonly programs: Runner
  readonly onDump?: ((index: number, dump: Dump) => void) | undefined
}

/** Reads namespaces in the netlink thread. From `many` namespaces with sysctl files on, a second thread reads files as well. */
export const reader =
  ({ one, other }: Threads, names: { readonly epoch: number }, many: number, programs: Runner): Runner['dump'] =>
  async (wanted, onDump) => {
    const progress = wanted.map((): Progress => ({}))
    const recipes = new Map<readonly string[], Recipe>()
    for (const { sysctls: keys } of wanted) if (!recipes.has(keys)) recipes.set(keys, recipe(keys))
    const every = [...wanted.keys()]
    const filed = every.filter((i) => recipes.get(wanted[i]?.sysctls ?? [])?.files.length)
    const lacksNft = wanted.some(({ depth }) => depth === 'all') && programs.host.find('nft') === undefined
    const hasPorts = hasFou(programs.host)
    const order = { wanted, recipes, progress, lacksNft, hasPorts, epoch: names.epoch, programs, onDump }
    if (filed.length < many) {
      // One thread reads as fast as the main thread decodes; two would wait for each other's locks in the kernel.
      await ask(one, order, every, 'both')
    } else {
      const answers = ask(one, order, every, 'answers')
      // Files are read only in namespaces of the lab, and the answers say which these are.
      if (wanted.some(({ owner }) => owner !== undefined)) await answers
      const next = new Int32Array(new SharedArrayBuffer(4))
      const mine = filed.filter((i) => progress[i]?.known === undefined || isWhole(progress[i]))
      const threads = mine.length ? [one, other()] : []
      await Promise.all([answers, ...threads.map((thread) => ask(thread, order, mine, 'files', next))])
    }
    return finish(order)
  }

/** Reads the sysctls of a new, nameless namespace, which the thread makes for this. */
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

const isWhole = (one: Progress | undefined): boolean =>
  one?.known !== undefined && one.known !== 'undecoded' && one.known.whole

/** Has a thread read, for the requests with these indexes, the answers of the kernel, the sysctl files, or both. */
async function ask(
  channel: Channel,
  order: Order,
  indexes: readonly number[],
  what: 'answers' | 'files' | 'both',
  next?: Int32Array,
): Promise<void> {
  const { wanted, recipes, progress, epoch, onDump } = order
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
    rules: sliced('rules'),
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
    ...(depth === 'rules' && what !== 'files' && { netfilter: netfilter.netfilter, rulesAlone: true as const }),
    rules: (depth === 'all' || depth === 'rules') && what !== 'files' && (listed || depth === 'rules'),
  }))
  const lists = [...recipes.values()].map(({ files }) => files)
  const paths = [
    ...new Set(wanted.flatMap((one) => [...(one.paths ?? []), ...(isPath(one.netns ?? '') ? [one.netns ?? ''] : [])])),
  ]
  // Another namespace may be at a path at any time.
  const lasting = paths.length ? NaN : epoch
  let nsids: Dump['nsids'] = new Map()
  await channel.ask(
    {
      kind: 'read',
      bytes: bytes(),
      readings,
      lists,
      epoch: lasting,
      ...(paths.length && { paths }),
      ...(next && { next }),
    },
    (reply: Reply) => {
      if (reply.kind === 'names') nsids = reply.names
      if (reply.kind !== 'results') return
      const answers = asBuffer(reply.bytes)
      for (const result of reply.results) take(answers, result)
    },
  )

  function take(answers: Buffer, result: ReadResult): void {
    const { gone, files } = result
    const index = indexes[result.index] ?? -1
    const [request, one] = [wanted[index], progress[index]]
    if (!request || !one) return
    if (gone) return vanished(request, gone)
    if (files) one.files = readFiles(answers, files)
    if (what !== 'files') one.known = attempt(() => decodeDump(answers, result, nsids))
    if (!onDump || what !== 'both') return
    assemble(order, index)
    if (one.dump && one.known !== 'undecoded' && !isUnfinished(one.known, order)) onDump(index, one.dump)
  }
}

/** Decodes; `undecoded` where only iproute2 can. */
function attempt<T>(read: () => T): T | 'undecoded' {
  try {
    return read()
  } catch (error) {
    if (error instanceof NotUnderstood) return 'undecoded'
    throw error
  }
}

/** Whether programs must be asked for some of its links, or for its rules, sets, qdiscs or ports. */
const isUnfinished = (known: Decoded | undefined, { lacksNft, hasPorts }: Order): boolean =>
  known === undefined ||
  known.undecoded.length > 0 ||
  known.shaped ||
  known.sets ||
  known.tables?.length !== 0 ||
  (known.whole && (lacksNft || hasPorts))

const NONE: readonly undefined[] = []

/** Makes the dump of a namespace from its answers and files. Sysctls that an old kernel does not report make it `undecoded`. */
function assemble({ wanted, recipes, progress }: Order, index: number): void {
  const one = progress[index]
  const list = recipes.get(wanted[index]?.sysctls ?? [])
  if (!one?.known || one.known === 'undecoded' || one.dump) return
  const { known, files = NONE } = one
  const values = list && known.whole && attempt(() => sysctls(list, known.netconf, files))
  if (values === 'undecoded') one.known = values
  else one.dump = values ? { ...known.dump, sysctls: values } : known.dump
}

/** Makes the dumps, and asks programs for what they lack. */
async function finish(order: Order): Promise<(Dump | undefined)[]> {
  const { wanted, progress, lacksNft, hasPorts, programs } = order
  const { host } = programs
  const legacy = isLegacy(host)
  const dumps: (Dump | undefined)[] = []
  const withRules: (RuleSource & { index: number })[] = []
  const asked: (LinkName & { index: number; key: string })[] = []
  const unfinished: { index: number; work: () => Promise<Dump | undefined> }[] = []
  for (const [index, request] of wanted.entries()) {
    assemble(order, index)
    const { known, dump } = progress[index] ?? {}
    const { netns } = request
    dumps[index] = dump
    if (known === 'undecoded') unfinished.push({ index, work: async () => (await programs.dump([request]))[0] })
    else if (dump && known && isUnfinished(known, order)) {
      const { tables, shaped, sets, undecoded } = known
      const ports = known.whole && hasPorts
      for (const { dev, key, local } of undecoded)
        asked.push({ index, dev, key: local ? `${index} ${key}` : key, ...placeIn(netns) })
      if (shaped || sets || ports)
        unfinished.push({
          index,
          work: async () => ({
            ...dump,
            ...(shaped && { qdiscs: await askQdiscs(host, netns) }),
            ...(sets && { ipsets: await readIpsets(host, netns) }),
            ...(ports && { fou: await askFou(host, netns) }),
          }),
        })
      if (tables?.length !== 0 || (known.whole && lacksNft))
        withRules.push({
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
  const rules = await readFirewalls(host, withRules)
  withRules.forEach(({ index }, i) => {
    const dump = dumps[index]
    if (dump) dumps[index] = { ...dump, ...rules[i] }
  })
  return dumps
}

/** The settings of links, by key. Links with the same key have the same settings, so only one of them is asked about. */
async function askOnce(
  host: Host,
  links: readonly (LinkName & { key: string })[],
): Promise<Map<string, Settings | undefined>> {
  const byKey = new Map(links.map((link) => [link.key, link]))
  const settings = await askSettings(host, [...byKey.values()])
  return new Map([...byKey.keys()].map((key, i) => [key, settings[i]]))
}

/** The link with these settings of its type, if it has this name; otherwise unchanged. */
const withData = (link: IpLink, dev: string, data: Settings | undefined): IpLink =>
  link.ifname === dev && data ? { ...link, linkinfo: { ...link.linkinfo, info_data: data } } : link

const [ENOENT, EINVAL] = [2, 22]

/** Throws a UserError, unless the namespace was deleted while it was being read. */
function vanished({ netns }: DumpRequest, { errno, error }: NonNullable<ReadResult['gone']>): void {
  if (netns !== undefined && (errno === ENOENT || errno === EINVAL)) return
  throw UserError.of(
    'kernel-unreadable',
    `cannot read ${netns === undefined ? 'the network of this machine' : `namespace ${netns}`}`,
    `the kernel says: ${error}`,
  )
}

/** Whether iptables-save is that of iptables-legacy, whose rules nftables does not list. */
const isLegacy = (host: Host): boolean => host.find('iptables-save')?.includes('nft') === false
