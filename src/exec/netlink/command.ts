import type { Command } from '../../model/command.ts'
import { addressMessage } from './address.ts'
import { linkMessage } from './link.ts'
import type { Message } from './message.ts'
import { neighborMessage } from './neighbor.ts'
import { routeMessage } from './route.ts'
import { ruleMessage } from './rule.ts'
import { namespaceName, NotUnderstood, wordsOf, type Words } from './words.ts'

/** What a command asks of the kernel, as plain data. `netns`: where; absent: where netlab runs. */
export type Operation =
  | { readonly do: 'send'; readonly netns?: string; readonly message: Message }
  /** Makes a namespace; `message` is sent in it before it gets its name. */
  | { readonly do: 'create'; readonly name: string; readonly message: Message }
  | { readonly do: 'attach'; readonly name: string; readonly netns?: string }
  | { readonly do: 'delete'; readonly name: string }
  | { readonly do: 'nft'; readonly netns?: string; readonly lines: string }
  | {
      readonly do: 'write'
      readonly netns?: string
      readonly key: string
      readonly file: string
      readonly text: string
    }

/**
 * What netlab's command does, without running it; undefined for whatever is not known to the last word: the program
 * itself does that. The meaning of each word is iproute2's (ip(8), its sources' ip/*.c).
 */
export function understand({ argv, netns, input }: Command): Operation | undefined {
  const at = netns === undefined ? {} : { netns }
  if (input !== undefined) return argv.join(' ') === 'nft -f -' ? { do: 'nft', ...at, lines: input } : undefined
  try {
    return operation(argv, at)
  } catch (error) {
    if (error instanceof NotUnderstood) return undefined
    throw error
  }
}

/** The scripts that make a namespace and a second name of one (src/kinds): known as a whole. */
const CREATE = ['unshare', '--net', 'sh', '-c', 'ip link set dev lo up alias "$1" && ip netns attach "$2" $$', 'sh']
const ATTACH = ['sh', '-c', 'exec ip netns attach "$1" $$', 'sh']
const startsWith = (argv: readonly string[], start: readonly string[], more: number): boolean =>
  argv.length === start.length + more && start.every((word, i) => argv[i] === word)

function operation(argv: readonly string[], at: { readonly netns?: string }): Operation | undefined {
  const [program, ...rest] = argv
  if (program === 'ip') return ipOperation(wordsOf(rest), at)
  if (program === 'sysctl' && rest[0] === '-qw' && rest.length === 2) return write(rest[1] ?? '', at)
  if (startsWith(argv, CREATE, 2)) {
    const [alias = '', name = ''] = argv.slice(CREATE.length)
    const message = linkMessage(wordsOf(['set', 'dev', 'lo', 'up', 'alias', alias]))
    return at.netns === undefined ? { do: 'create', name: namespaceName(name), message } : undefined
  }
  const [, of] = /^--net=\/run\/netns\/([^/]+)$/.exec(rest[0] ?? '') ?? []
  if (program === 'nsenter' && of !== undefined && startsWith(rest.slice(1), ATTACH, 1))
    return { do: 'attach', name: namespaceName(argv.at(-1) ?? ''), netns: namespaceName(of) }
  return undefined
}

function ipOperation(words: Words, at: { readonly netns?: string }): Operation | undefined {
  const six = words.skip('-6') ? 6 : undefined
  const object = words.next()
  if (six !== undefined && object !== 'rule') return undefined
  const send = (message: Message): Operation => ({ do: 'send', ...at, message })
  switch (object) {
    case 'link':
      return send(linkMessage(words))
    case 'addr':
      return send(addressMessage(words))
    case 'route':
      return send(routeMessage(words))
    case 'rule':
      return send(ruleMessage(words, six))
    case 'neigh':
      return send(neighborMessage(words))
    case 'netns': {
      if (!words.skip('del') || at.netns !== undefined) return undefined
      const name = namespaceName(words.next())
      return words.more() ? undefined : { do: 'delete', name }
    }
    default:
      return undefined
  }
}

/** `sysctl -qw KEY=VALUE`; dots and slashes change places between the key and the path (sysctl(8)). */
function write(setting: string, at: { readonly netns?: string }): Operation | undefined {
  const [, key, value] = /^(net(?:\.[\w/@+=,~-]+)+?)=([^\n]+)$/.exec(setting) ?? []
  if (key === undefined || value === undefined) return undefined
  const parts = key.split('.').map((part) => part.replaceAll('/', '.'))
  if (parts.some((part) => part === '.' || part === '..')) return undefined
  return { do: 'write', ...at, key, file: `sys/${parts.join('/')}`, text: `${value}\n` }
}
