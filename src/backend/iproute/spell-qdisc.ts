import { familyOf } from '../../model/cidr.ts'
import type { QdiscOperation } from '../../model/operation.ts'
import {
  rateWord,
  SHARES,
  shareWord,
  sizeWord,
  timeWord,
  type NetemOptions,
  type NetworkFilter,
  type QdiscOptions,
} from '../../model/qdisc-options.ts'

/** `tc qdisc …`, `tc class …`, `tc filter …` */
export function qdiscCommand(operation: QdiscOperation): string[] {
  const [object = '', verb = ''] = operation.do.split('.')
  const tc = (what: string): string[] => ['tc', what, verb === 'delete' ? 'del' : verb, 'dev', operation.dev]
  switch (operation.do) {
    case 'qdisc.add':
    case 'qdisc.replace':
    case 'qdisc.change': {
      const { handle, options } = operation
      return [
        ...tc(object),
        ...placed(operation),
        ...(handle === undefined ? [] : ['handle', handle]),
        ...words(options),
      ]
    }
    case 'qdisc.delete':
      return [...tc(object), ...placed(operation)]
    case 'class.add':
    case 'class.change':
      return [...tc(object), 'parent', `${operation.classid.split(':')[0]}:`, 'classid', operation.classid, ...CLASS]
    case 'class.delete':
      return [...tc(object), 'classid', operation.classid]
    case 'filter.add':
      return [...tc(object), ...filterWords(operation.filter)]
    case 'filter.delete': {
      const { parent, protocol, pref, kind, handle } = operation.filter
      return [...tc(object), 'parent', parent, 'protocol', protocol, 'pref', String(pref), 'handle', handle, kind]
    }
  }
}

const placed = ({ parent }: { readonly parent?: string }): string[] =>
  parent === undefined ? ['root'] : ['parent', parent]

/** A class that only sorts: its rate is one that nothing reaches, and its quantum keeps the kernel from warning of that rate. */
const CLASS = 'htb rate 100gbit burst 10mb cburst 10mb quantum 60000'.split(' ')

function filterWords({ parent, pref, side, network, flowid }: NetworkFilter): string[] {
  const [protocol, ip, to, from] = familyOf(network) === 4 ? ['ip', 'ip', '16', '12'] : ['ipv6', 'ip6', '24', '8']
  // tc makes no match of ::/0.
  const every = network.endsWith('/0')
  const match = every
    ? ['u32', '0', '0', 'at', side === 'to' ? to : from]
    : [ip, side === 'to' ? 'dst' : 'src', network]
  return ['parent', parent, 'protocol', protocol, 'pref', String(pref), 'u32', 'match', ...match, 'flowid', flowid]
}

function words(options: QdiscOptions): string[] {
  switch (options.kind) {
    case 'htb':
      return ['htb', 'default', options.default.toString(16)]
    case 'tbf': {
      const { rate, burst, limit } = options
      return ['tbf', 'rate', rateWord(rate), 'burst', sizeWord(burst), 'limit', String(limit)]
    }
    case 'netem':
      return ['netem', ...netemWords(options)]
  }
}

function netemWords(options: NetemOptions): string[] {
  const said = (name: string[], value: number | undefined, spell: (value: number) => string): string[] =>
    value === undefined ? [] : [...name, spell(value)]
  const { limit, delay, jitter, rate, delay_correlation, distribution } = options
  const correlates = delay_correlation !== undefined
  return [
    ...said(['limit'], limit, String),
    ...said(['delay'], delay ?? (correlates ? 0 : undefined), timeWord),
    ...said([], jitter ?? (correlates ? 0 : undefined), timeWord),
    ...said([], delay_correlation, shareWord),
    ...(distribution === undefined ? [] : ['distribution', distribution]),
    ...SHARES.flatMap((share) => {
      const correlation = options[`${share}_correlation`]
      const value = options[share] ?? (correlation === undefined ? undefined : 0)
      return [...said([share], value, shareWord), ...said([], correlation, shareWord)]
    }),
    ...said(['rate'], rate, rateWord),
  ]
}
