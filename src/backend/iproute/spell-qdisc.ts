import type { QdiscOperation } from '../../model/operation.ts'
import { rateWord, SHARES, shareWord, sizeWord, timeWord, type QdiscOptions } from '../../model/qdisc-options.ts'

/** `tc qdisc …` */
export function qdiscCommand(operation: QdiscOperation): string[] {
  const tc = (verb: string, dev: string): string[] => ['tc', 'qdisc', verb, 'dev', dev]
  switch (operation.do) {
    case 'qdisc.add':
    case 'qdisc.replace':
    case 'qdisc.change':
      return [...tc(operation.do.slice('qdisc.'.length), operation.dev), 'root', ...words(operation.options)]
    case 'qdisc.delete':
      return [...tc('del', operation.dev), 'root']
    case 'hook.add':
    case 'hook.delete': {
      const { dev, kind, parent } = operation.hook
      const adds = operation.do === 'hook.add'
      return [
        ...tc(adds ? 'add' : 'del', dev),
        ...(parent === undefined ? [kind] : ['parent', parent, ...(adds ? [kind] : [])]),
      ]
    }
  }
}

function words(options: QdiscOptions): string[] {
  if (options.kind === 'tbf') {
    const { rate, burst, limit } = options
    return ['tbf', 'rate', rateWord(rate), 'burst', sizeWord(burst), 'limit', String(limit)]
  }
  const said = (name: string[], value: number | undefined, spell: (value: number) => string): string[] =>
    value === undefined ? [] : [...name, spell(value)]
  const { limit, delay, jitter, rate } = options
  return [
    'netem',
    ...said(['limit'], limit, String),
    ...said(['delay'], delay, timeWord),
    ...said([], jitter, timeWord),
    ...SHARES.flatMap((share) => said([share], options[share], shareWord)),
    ...said(['rate'], rate, rateWord),
  ]
}
