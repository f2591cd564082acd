import { canonicalAddress, parseCidr } from '../model/cidr.ts'
import { interfaceName } from '../language/valid-names.ts'
import type { Fields } from '../model/fields.ts'

/** Everything that a node's commands say about it. */
export interface NodeDraft {
  /** Settings by interface. */
  readonly interfaces: Record<string, { addresses?: string[]; mtu?: number; up?: boolean; mac?: string; type?: string }>
  readonly routes: Fields[]
  readonly sysctls: Record<string, string>
}

const UNKNOWN = 'a command of a program is not part of a lab; `setup` has commands, where the machine has the program'

/** Adds what a command of `ip` or `sysctl` says to a node. Returns why it is left out; undefined when it is not. */
export function commandOfNode(command: string, draft: NodeDraft): string | undefined {
  // `sh -c "…"`, and several commands after each other.
  const inner = /^(?:\/bin\/)?(?:ba|a)?sh -l?c (["'])(.*)\1$/.exec(command.trim())?.[2] ?? command
  const parts = inner.split(/\s*(?:&&|;)\s*/).filter((part) => part !== '')
  const reasons = parts.flatMap((part) => oneCommand(part.split(/\s+/).filter(Boolean), draft) ?? [])
  return reasons[0]
}

function oneCommand(words: readonly string[], draft: NodeDraft): string | undefined {
  if (/["'`$|<>\\*]/.test(words.join(' '))) return UNKNOWN
  const rest = words[0] === 'sudo' ? words.slice(1) : [...words]
  if (rest[0] === 'sysctl')
    return setSysctl(
      rest.slice(1).filter((word) => word !== '-w' && word !== '-q'),
      draft,
    )
  if (rest[0] !== 'ip') return UNKNOWN
  const arguments_ = rest.slice(1).filter((word) => !/^-(4|6|o|br)$/.test(word))
  const [object = '', verb = '', ...more] = arguments_
  const known = (word: string, full: string): boolean => word !== '' && full.startsWith(word)
  if (known(object, 'address') && ['add', 'a', 'replace'].includes(verb)) return addAddress(more, draft)
  if (known(object, 'route') && ['add', 'a', 'replace', 'r', 'append'].includes(verb)) return addRoute(more, draft)
  if (known(object, 'link') && ['set', 's'].includes(verb)) return setLink(more, draft)
  return UNKNOWN
}

function setSysctl(words: readonly string[], draft: NodeDraft): string | undefined {
  for (const word of words) {
    const [, key, value] = /^(net[\w./-]+)=(.+)$/.exec(word) ?? []
    if (key === undefined || value === undefined) return UNKNOWN
    draft.sysctls[key] = value
  }
  return undefined
}

function addAddress([address = '', ...words]: readonly string[], draft: NodeDraft): string | undefined {
  const options = pairs(words, ['dev'])
  const dev = options?.['dev'] ?? ''
  if (!parseCidr(address) || !interfaceName.test(dev)) return `netlab cannot read this address: ${address}`
  const one = (draft.interfaces[dev] ??= {})
  ;(one.addresses ??= []).push(address.includes('/') ? address : `${address}/${address.includes(':') ? 128 : 32}`)
  return undefined
}

function addRoute([to = '', ...words]: readonly string[], draft: NodeDraft): string | undefined {
  const options = pairs(words, ['via', 'dev', 'metric', 'src'])
  const isKnown = to === 'default' || parseCidr(to) !== undefined
  const via = options?.['via']
  if (
    !options ||
    !isKnown ||
    (via !== undefined && canonicalAddress(via) === undefined) ||
    (via ?? options['dev']) === undefined
  )
    return `netlab cannot read this route: ${[to, ...words].join(' ')}`
  const { metric, ...others } = options
  draft.routes.push({ to, ...others, ...(metric !== undefined && { metric: Number(metric) }) })
  return undefined
}

function setLink(words: readonly string[], draft: NodeDraft): string | undefined {
  const [dev = '', ...more] = words[0] === 'dev' ? words.slice(1) : words
  if (!interfaceName.test(dev)) return UNKNOWN
  for (let n = 0; n < more.length; n++) {
    const [word, value = ''] = [more[n], more[n + 1]]
    if (word === 'up') continue
    const one = (draft.interfaces[dev] ??= {})
    if (word === 'down') one.up = false
    else if (word === 'mtu' && /^\d+$/.test(value)) one.mtu = Number(value)
    else if (word === 'address') one.mac = value
    else return `a lab says this in another way: ${words.join(' ')}`
    if (word !== 'down') n++
  }
  return undefined
}

/** Options with one value each; undefined when there is another word. */
function pairs(words: readonly string[], names: readonly string[]): Record<string, string> | undefined {
  const found: Record<string, string> = {}
  for (let n = 0; n < words.length; n += 2) {
    const [name = '', value] = [words[n], words[n + 1]]
    if (!names.includes(name) || value === undefined) return undefined
    found[name] = value
  }
  return found
}
