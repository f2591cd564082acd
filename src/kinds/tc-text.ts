import type { TcQdisc } from '../model/runner.ts'
import type { TcSpec } from '../model/tc-spec.ts'
import { printedWords } from './tc-words.ts'

/** Qdiscs that have no filters, so that tc need not be asked for any. */
const WITHOUT_FILTERS = new Set(
  'netem tbf pfifo bfifo pfifo_fast codel pie fq red gred choke sfb blackhole noqueue etf taprio mqprio mq'.split(' '),
)
/** Qdiscs whose classes are made by hand; those of others come with the qdisc. */
export const CLASSFUL: readonly string[] = ['htb', 'hfsc', 'drr', 'qfq']

/** Where the filters of an ingress or clsact qdisc hang, by their numbers (linux/pkt_sched.h). */
const HOOKS: Readonly<Record<string, string>> = { 'ffff:fff2': 'ingress', 'ffff:fff3': 'egress' }

/** A handle or class id as tc prints it: `1:`, `1:a`, `ingress`; undefined when it is none. */
export function classId(text: string): string | undefined {
  if (HOOKS[text.toLowerCase()] !== undefined) return HOOKS[text.toLowerCase()]
  const [, major = '', minor = ''] = /^([0-9a-f]{1,4}):([0-9a-f]{0,4})$/i.exec(text) ?? []
  if (major === '') return undefined
  const low = Number.parseInt(minor || '0', 16)
  return `${Number.parseInt(major, 16).toString(16)}:${low === 0 ? '' : low.toString(16)}`
}

/** `1:` of `1:10` */
export const majorOf = (id: string): string => id.slice(0, id.indexOf(':') + 1)

/** What to ask `tc -d` about an interface that has these qdiscs. */
export function tcQuestions(dev: string, qdiscs: readonly Pick<TcQdisc, 'kind' | 'handle'>[]): string[] {
  const filters = qdiscs.flatMap(({ kind, handle }) =>
    kind === 'ingress' || kind === 'clsact'
      ? ['ingress', ...(kind === 'clsact' ? ['egress'] : [])]
      : WITHOUT_FILTERS.has(kind) || handle === '0:'
        ? []
        : [`parent ${handle}`],
  )
  return [
    `qdisc show dev ${dev}`,
    ...(qdiscs.some(({ kind }) => CLASSFUL.includes(kind)) ? [`class show dev ${dev}`] : []),
    ...filters.map((where) => `filter show dev ${dev} ${where}`),
  ]
}

/** What an interface has, from the answers to `tcQuestions`; of qdiscs those that are `wanted`, with what belongs to them. */
export function readTc(
  dev: string,
  answers: ReadonlyMap<string, string> | undefined,
  wanted: (qdisc: { readonly kind: string; readonly handle: string; readonly parent: string }) => boolean,
): TcSpec[] {
  const result: TcSpec[] = []
  const positions = new Map<string, string>()
  for (const [, kind = '', handle = '', at = '', rest = ''] of (answers?.get(`qdisc show dev ${dev}`) ?? '').matchAll(
    /^qdisc (\S+) (\S+) (root|parent \S+) ?(?:refcnt \d+ ?)?(.*)$/gm,
  )) {
    const hook = kind === 'ingress' || kind === 'clsact'
    const parent = hook ? kind : at.replace('parent ', '')
    positions.set(handle, hook ? kind : parent)
    if (!wanted({ kind, handle, parent })) continue
    const text = hook ? '' : rest.replace(/direct_packets_stat \d+ ver \S+ ?/, '').trim()
    result.push({ object: 'qdisc', dev, parent, kind, handle, text, words: printedWords('qdisc', kind, text) })
  }
  const above = (parent: string): { above?: string } => {
    const position = positions.get(majorOf(parent))
    return position === undefined ? {} : { above: position }
  }
  const mine = new Set(result.map(({ handle }) => handle))
  const queues = [...result]
  for (const [, kind = '', handle = '', at = '', rest = ''] of (answers?.get(`class show dev ${dev}`) ?? '').matchAll(
    /^class (\S+) (\S+) (root|parent \S+) ?(.*)$/gm,
  )) {
    if (!CLASSFUL.includes(kind) || handle.endsWith(':') || !mine.has(majorOf(handle))) continue
    const parent = at === 'root' ? majorOf(handle) : at.replace('parent ', '')
    const text = rest
      .replace(/leaf \S+ /, '')
      .replace(/ level \d+/, '')
      .trim()
    const words = printedWords('class', kind, text)
    result.push({ object: 'class', dev, parent, kind, handle, text, words, ...above(handle) })
  }
  const made = result.map((one) => (one.object === 'qdisc' ? { ...one, ...above(one.parent) } : one))
  const filters: TcSpec[] = []
  for (const qdisc of queues) {
    const hook = qdisc.kind === 'ingress' || qdisc.kind === 'clsact'
    for (const parent of hook ? ['ingress', 'egress'] : [qdisc.handle ?? '']) {
      const printed = answers?.get(`filter show dev ${dev} ${hook ? parent : `parent ${parent}`}`) ?? ''
      for (const one of readFilters(printed))
        filters.push({ ...one, dev, parent, above: hook ? qdisc.kind : qdisc.parent })
    }
  }
  return [...inOrder(made), ...filters]
}

/** Qdiscs and classes in an order in which they can be made: each after what it hangs on. */
function inOrder(specs: readonly TcSpec[]): TcSpec[] {
  const classes = new Map(specs.flatMap((one) => (one.object === 'class' ? [[one.handle ?? '', one] as const] : [])))
  const qdiscs = new Map(specs.flatMap((one) => (one.object === 'qdisc' ? [[one.handle ?? '', one] as const] : [])))
  const depth = ({ parent }: TcSpec): number => {
    const on = classes.get(parent) ?? (parent.includes(':') ? qdiscs.get(majorOf(parent)) : undefined)
    return on ? 1 + depth(on) : 0
  }
  return [...specs].sort((a, b) => depth(a) - depth(b))
}

/** The number from which the kernel gives numbers to tables of u32 that nobody has numbered (net/sched/cls_u32.c). */
const UNNUMBERED = 0x800

function readFilters(printed: string): Omit<TcSpec, 'dev' | 'parent'>[] {
  return printed.split(/^(?=filter )/m).flatMap((block) => {
    const [, protocol = '', pref = '', kind = '', chain = '', fh = '', rest = ''] =
      /^filter (?:parent \S+ )?protocol (\S+) pref (\d+) (\S+) chain (\d+) (?:fh|handle) (\S+)([^]*)$/.exec(block) ?? []
    const table = Number.parseInt(fh, 16)
    if (fh === '' || (kind === 'u32' && table >= UNNUMBERED && /^ ht divisor/.test(rest))) return []
    const handle = kind === 'u32' && table >= UNNUMBERED ? fh.replace(/^\w+:\w*/, ':') : fh
    const text = plain(rest)
    const [, flowid] = /\b(?:flowid|classid) (\w+:\w*)/.exec(text) ?? []
    const words = printedWords('filter', kind, text, handle)
    return [
      {
        object: 'filter' as const,
        kind,
        handle,
        fh,
        protocol,
        pref: Number(pref),
        ...(chain !== '0' && { chain: Number(chain) }),
        ...(flowid !== undefined && { flowid }),
        words,
        text,
      },
    ]
  })
}

/** The text in one line, without what the kernel numbers by itself, counts, or says of the hardware. */
const plain = (rest: string): string =>
  rest
    .replace(/ order \d+ key ht \w+ bkt \w+/, '')
    .replace(/\b(not_in_hw|in_hw( in_hw_count \d+)?)\b/g, '')
    .replace(/\*flowid\b/, 'flowid')
    .replace(/\bindex \d+ ref \d+ bind \d+/g, '')
    .replace(/\bref \d+ bind \d+/g, '')
    .replace(/\bpolice 0x\w+/g, 'police')
    .replace(/\brandom type none pass val 0\b/g, '')
    .replace(/\s+/g, ' ')
    .trim()
