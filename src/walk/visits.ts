import { TRACE_TABLE } from '../model/tables.ts'
import type { WayRewrite } from '../model/packet-way.ts'
import { decodePacket, RAW_IP, type Packet } from '../checks/packet.ts'
import { recognise, type Flow, type Role, type Seen } from './needles.ts'
import type { TraceStep } from './nft-trace.ts'

/** A packet's way through the hooks of a namespace: from the first rule that it met to the last. */
export interface Visit {
  readonly role: Role
  /** It is the packet that carries another one in a tunnel. */
  readonly carries: boolean
  readonly family: string
  /** The index of the interface by which it came; absent: it was made here. */
  readonly iif?: number
  /** The index of the interface by which it was to leave. */
  readonly oif?: number
  /** The names of netlab's own chains that it came to: `prerouting-last`. */
  readonly reached: ReadonlySet<string>
  /** What it met in chains of others. */
  readonly steps: readonly TraceStep[]
  /** The packet as it came to each hook. */
  readonly states: readonly State[]
  /** Its mark at the end. */
  readonly mark: number
}

/** A packet at a hook. */
export interface State {
  readonly hook: string
  readonly packet: Omit<Packet, 'time'>
  readonly mark: number
}

const BEGINNINGS = ['prerouting-first', 'output-first']
const ENDS = ['input-last', 'postrouting-last']

/** The visits of packets in a namespace, in order, from the steps that the kernel reported. `seen` is what its interfaces showed,
 * `inTunnel` what went into a tunnel there, and was not seen any more. */
export function visitsOf(steps: readonly TraceStep[], flow: Flow, seen: readonly Seen[], inTunnel?: Role): Visit[] {
  const visits: TraceStep[][] = []
  // A rule that rejects sends its error before the kernel reports the rule: the visit of one packet is within that of the other.
  const open: { readonly bridges: boolean; readonly id: number | undefined; readonly steps: TraceStep[] }[] = []
  for (const step of steps) {
    const bridges = step.family === 'bridge'
    const isOwn = step.table === TRACE_TABLE
    // The first step in a chain has the packet with it.
    if (isOwn && BEGINNINGS.includes(step.chain) && step.handle !== undefined && step.bytes) {
      const opened: TraceStep[] = []
      visits.push(opened)
      open.push({ bridges, id: step.id, steps: opened })
    }
    // What is lost without a rule has no last step, and so stays open.
    const known = open.findLastIndex((one) => one.bridges === bridges && one.id === step.id)
    const at = known < 0 ? open.findLastIndex((one) => one.bridges === bridges) : known
    open[at]?.steps.push(step)
    const ends = isOwn ? step.kind === 'policy' && ENDS.includes(step.chain) : ['drop', 'stolen'].includes(step.verdict)
    if (ends && at >= 0) open.splice(at, 1)
  }
  return visits.flatMap((all) => visitOf(all, flow, seen, inTunnel) ?? [])
}

function visitOf(all: readonly TraceStep[], flow: Flow, known: readonly Seen[], inTunnel?: Role): Visit | undefined {
  let role: Role | undefined
  let carries = false
  const states: State[] = []
  for (const { bytes, mark = 0, chain, table } of all) {
    const own = bytes && recognise(bytes, flow)
    const seen = own ?? (bytes && carrierIn(bytes, known, inTunnel))
    if (!seen) continue
    role ??= seen.role
    carries ||= !own
    if (table === TRACE_TABLE) states.push({ hook: chain.replace(/-.*/, ''), packet: seen.packet, mark })
  }
  const [first] = all
  if (!role || !first) return undefined
  const oif = all.findLast((step) => step.oif !== undefined)?.oif
  return {
    ...{ role, carries, family: first.family },
    ...(first.iif !== undefined && { iif: first.iif }),
    ...(oif !== undefined && { oif }),
    reached: new Set(all.flatMap(({ table, chain }) => (table === TRACE_TABLE ? [chain] : []))),
    steps: all.filter(({ table }) => table !== TRACE_TABLE),
    states,
    mark: all.at(-1)?.mark ?? 0,
  }
}

/** The kernel reports only the beginning of a packet, and so not what one in a tunnel carries; but that was seen at an interface, unless it was lost before. */
function carrierIn(bytes: Buffer, seen: readonly Seen[], inTunnel?: Role): Pick<Seen, 'role' | 'packet'> | undefined {
  const packet = decodePacket(bytes, RAW_IP)
  const same = (one: Omit<Packet, 'time'>): boolean =>
    (['protocol', 'source', 'destination', 'sport', 'dport'] as const).every((field) => one[field] === packet?.[field])
  const found = packet && seen.find(({ outer }) => outer && same(outer))
  const role = found?.role ?? (packet && !packet.protocol.startsWith('icmp') ? inTunnel : undefined)
  return packet && role && { role, packet }
}

/** What differs between the packet at one place and the next one. */
export function rewritesOf(states: readonly State[]): WayRewrite[] {
  return states.slice(1).flatMap((state, i) => {
    const { packet: before, mark } = states[i]!
    const { hook, packet: after } = state
    const fields = (['source', 'sport', 'destination', 'dport'] as const).flatMap((field): WayRewrite[] =>
      before[field] === after[field] || before[field] === undefined || after[field] === undefined
        ? []
        : [{ hook, field, before: String(before[field]), after: String(after[field]) }],
    )
    if (mark === state.mark) return fields
    const hex = (value: number): string => `0x${value.toString(16)}`
    return [...fields, { hook, field: 'mark' as const, before: hex(mark), after: hex(state.mark) }]
  })
}
