import { formatCidr, parseCidr, subnetOf } from '../model/cidr.ts'
import { sha256 } from '../model/digest.ts'
import type { LabContext } from '../model/kind.ts'
import { CORRELATIONS, SHARES, type Distribution } from '../model/qdisc-options.ts'
import { queueValue, type Queue } from './queue.ts'
import { classesFor, MOST, queueKinds, type Destination, type Tree } from './tree.ts'

/** Units (tc(8), "PARAMETERS") → factors to microseconds; below, to bits per second and bytes. */
const times: Readonly<Record<string, number>> = {
  us: 1,
  usec: 1,
  usecs: 1,
  ms: 1e3,
  msec: 1e3,
  msecs: 1e3,
  s: 1e6,
  sec: 1e6,
  secs: 1e6,
}
const rates: Readonly<Record<string, number>> = {
  ...{ bit: 1, kbit: 1e3, mbit: 1e6, gbit: 1e9, tbit: 1e12, kibit: 1024, mibit: 1024 ** 2, gibit: 1024 ** 3 },
  ...{ bps: 8, kbps: 8e3, mbps: 8e6, gbps: 8e9 },
}
const sizes: Readonly<Record<string, number>> = {
  b: 1,
  k: 1024,
  kb: 1024,
  m: 1024 ** 2,
  mb: 1024 ** 2,
  kbit: 128,
  mbit: 131072,
}

/** Converts a number with a unit; `bare` is the factor without one, undefined if a unit is required. Undefined if invalid. */
export function quantity(value: unknown, units: Readonly<Record<string, number>>, bare?: number): number | undefined {
  const [, number, unit = ''] = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(String(value)) ?? []
  const factor = unit === '' ? bare : units[unit.toLowerCase()]
  return number === undefined || factor === undefined ? undefined : Math.round(Number(number) * factor)
}

/** `1%` or `1` in percent; undefined when it is not between 0 and 100. */
function percent(value: unknown): number | undefined {
  const [, number] = /^\s*(\d+(?:\.\d+)?)\s*%?\s*$/.exec(String(value)) ?? []
  return number === undefined || Number(number) > 100 ? undefined : Number(number)
}

const readers: Readonly<Record<string, readonly [(value: unknown) => number | undefined, string]>> = {
  delay: [(v) => quantity(v, times), 'a time such as 20ms'],
  jitter: [(v) => quantity(v, times), 'a time such as 5ms'],
  loss: [percent, 'a share such as 1%'],
  duplicate: [percent, 'a share such as 0.1%'],
  corrupt: [percent, 'a share such as 0.1%'],
  reorder: [percent, 'a share such as 25%'],
  rate: [(v) => quantity(v, rates, 1), 'a rate such as 10mbit'],
  burst: [(v) => quantity(v, sizes, 1), 'a size such as 32kb'],
  limit: [(v) => Number(v), 'a number of packets'],
  ...Object.fromEntries(CORRELATIONS.map((name) => [name, [percent, 'a share such as 25%'] as const])),
}

/** The longest time that tc can pass to the kernel, in µs: 2^32 ticks of 64 ns. */
const LONGEST = 274e6

/** Reports a burst with other impairments than a rate (only tbf has a burst), and one that takes too long to fill. */
function checkBurst({ error }: LabContext, spec: Readonly<Record<string, number>>, burst: number): void {
  const path = ['burst']
  const { rate } = spec
  const netem = ['delay', 'loss', 'duplicate', 'corrupt', 'reorder'].find((name) => spec[name] !== undefined)
  if (rate === undefined) error('impairment', path, 'burst needs a rate')
  else if (netem !== undefined)
    error(
      'impairment',
      path,
      `burst cannot be had together with ${netem}`,
      'The rate of netem, which does that, has no burst.',
    )
  else if ((burst * 8e6) / rate > LONGEST || burst >= 2 ** 31)
    error('impairment', path, 'the burst is too large for this rate', 'It must be possible to send it within 274s.')
}

/** Warns of a rate in bytes per second, which looks like bits per second: `mbps` (tc(8), "PARAMETERS"). */
function warnOfBytes({ warning }: LabContext, rate: string, bits: number): void {
  const [, number, prefix] = /^([\d.]+)\s*([kmg]?)bps$/i.exec(rate) ?? []
  if (number === undefined || prefix === undefined || bits === 0) return
  const unit = `${prefix.toLowerCase()}bit`
  warning(
    'impairment',
    ['rate'],
    `${rate} is in bytes per second, as in tc: ${Number(number) * 8}${unit}`,
    `Write ${number}${unit} if you mean bits, ${Number(number) * 8}${unit} if you mean bytes.`,
  )
}

/** What the settings of one queue are, in the kernel's units: µs, percent, bits/s, bytes, packets. Errors are reported. */
function queue(settings: Readonly<Record<string, unknown>>, context: LabContext): Queue {
  const { error } = context
  const spec: Record<string, number> = {}
  for (const [name, value] of Object.entries(settings)) {
    if (name === 'to' || name === 'from' || name === 'distribution') continue
    const [read, form] = readers[name] ?? []
    const number = read?.(value)
    if (number === undefined) error('bad-value', [name], `"${String(value)}" is not ${form ?? 'known'}`)
    else if (number !== 0) spec[name] = number
    if (name === 'rate' && number !== undefined) warnOfBytes(context, String(value).trim(), number)
  }
  if (spec['jitter'] !== undefined && spec['delay'] === undefined)
    error('impairment', ['jitter'], 'jitter needs a delay to vary')
  if (spec['reorder'] !== undefined && spec['delay'] === undefined)
    error('impairment', ['reorder'], 'reorder needs a delay: packets that overtake are sent without it')
  const { rate, burst } = spec
  if (rate !== undefined && rate < 8)
    error('impairment', ['rate'], 'the slowest rate is 8bit', 'tc counts whole bytes per second.')
  if (burst !== undefined) checkBurst(context, spec, burst)
  for (const name of ['delay', 'jitter'] as const)
    if ((spec[name] ?? 0) > LONGEST) error('impairment', [name], `${name} is longer than tc can hold a packet: 274s`)
  for (const of of ['delay', ...SHARES] as const)
    if (spec[`${of}_correlation`] !== undefined && spec[of === 'delay' ? 'jitter' : of] === undefined)
      error('impairment', [`${of}_correlation`], `${of}_correlation needs ${of === 'delay' ? 'jitter' : of}`)
  const distribution = settings['distribution'] as Distribution | undefined
  if (distribution !== undefined && spec['jitter'] === undefined)
    error('impairment', ['distribution'], 'distribution needs jitter', 'It says how the delays lie around `delay`.')
  return { ...spec, ...(distribution !== undefined && { distribution }) }
}

/** The networks that a destination stands for: the addresses of a namespace, an address, a CIDR, or several with commas. */
function networksOf(name: string, path: readonly [string, string], { error, addressesOf }: LabContext): string[] {
  return name.split(',').flatMap((part): string[] => {
    const text = part.trim()
    const addresses = addressesOf?.(text)
    const cidr = addresses ? undefined : parseCidr(text)
    if (addresses?.length === 0)
      error('unknown-reference', path, `${text} has no address`, 'Impairments by destination go by addresses.', 'key')
    else if (!addresses && !cidr)
      error(
        'unknown-reference',
        path,
        `there is no namespace ${text}`,
        'A destination is a namespace of the lab, an address, or a network such as 10.1.0.0/16.',
        'key',
      )
    if (!cidr) return addresses ? [...addresses] : []
    const right = subnetOf(cidr)
    if (right !== formatCidr(cidr))
      error('host-bits', path, `${text} has host bits set: the network is ${right}`, `Write ${right}.`, 'key')
    return [right]
  })
}

const SIDES = ['to', 'from'] as const

/** The destinations of an entry; absent when it has none. */
function tree(settings: Readonly<Record<string, unknown>>, context: LabContext): Tree {
  const named = SIDES.flatMap((side) =>
    Object.entries((settings[side] ?? {}) as Readonly<Record<string, Readonly<Record<string, unknown>> | null>>).map(
      ([name, value]) => ({ side, name, value }),
    ),
  )
  if (named.length === 0) return {}
  const { error, warning } = context
  if (named.length > MOST)
    error('impairment', [], `an interface can have ${MOST} destinations, this one has ${named.length}`)
  const classes = classesFor(
    named.slice(0, MOST).map(({ side, name }) => `${side} ${name}`),
    sha256,
  )
  const seen = new Map<string, string>()
  const result: Record<'to' | 'from', Record<string, Destination>> = { to: {}, from: {} }
  for (const { side, name, value } of named) {
    const path = [side, name] as const
    const inner: LabContext = {
      ...context,
      error: (code, at, ...said) => error(code, [...path, ...at], ...said),
      warning: (code, at, ...said) => warning(code, [...path, ...at], ...said),
    }
    const networks = [...new Set(networksOf(name, path, context))].sort()
    for (const network of networks) {
      const before = seen.get(`${side} ${network}`)
      if (before !== undefined)
        error('given-twice', path, `${network.replace(/\/(32|128)$/, '')} is in ${before} already`, undefined, 'key')
      seen.set(`${side} ${network}`, name)
    }
    result[side][name] = { ...queue(value ?? {}, inner), class: classes.get(`${side} ${name}`) ?? 0, networks }
  }
  return Object.fromEntries(SIDES.flatMap((side) => (Object.keys(result[side]).length ? [[side, result[side]]] : [])))
}

/** The impairments of an interface. Undefined when there are none. */
export function impairments(
  settings: Readonly<Record<string, unknown>>,
  context: LabContext,
): (Queue & Tree) | undefined {
  const spec = { ...queue(settings, context), ...tree(settings, context) }
  // The kernel refuses it since sch_netem.c has check_netem_in_tree.
  if (queueKinds(spec).filter((kind) => kind === 'netem').length > 1)
    for (const [path, one] of [
      [[], spec] as const,
      ...SIDES.flatMap((side) => Object.entries(spec[side] ?? {}).map(([name, one]) => [[side, name], one] as const)),
    ])
      if (one.duplicate !== undefined)
        context.error(
          'impairment',
          [...path, 'duplicate'],
          'duplicate cannot be had where several destinations are impaired',
          'The kernel allows one netem alone on an interface to duplicate packets.',
        )
  return Object.keys(spec).length ? spec : undefined
}

/** The destinations as a lab file has them. */
export const destinationsValue = (spec: Tree): Record<string, Record<string, unknown>> =>
  Object.fromEntries(
    SIDES.flatMap((side) => {
      const all = Object.entries(spec[side] ?? {}).map(([name, one]) => [name, queueValue(one)] as const)
      return all.length ? [[side, Object.fromEntries(all)]] : []
    }),
  )
