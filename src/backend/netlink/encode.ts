import type { Operation } from '../../model/operation.ts'
import { sysctlFile } from '../../model/sysctls.ts'
import { addressMessage } from './encode-address.ts'
import { linkMessage } from './encode-link.ts'
import { encode, type Encoded, type Message } from './message.ts'
import { mdbMessage } from './encode-mdb.ts'
import { neighborMessage } from './encode-neighbor.ts'
import { nexthopMessage } from './encode-nexthop.ts'
import { routeMessage } from './encode-route.ts'
import { ruleMessage } from './encode-rule.ts'

/** What the thread that makes system calls does for an operation. `netns`: where; absent: where netlab itself runs. */
export type Call = { readonly netns?: string } & (
  | { readonly do: 'send'; readonly message: Encoded }
  /** Makes a namespace; the message is sent in it before it gets its name. Until that is mounted, its file has the mark in it. */
  | { readonly do: 'create'; readonly name: string; readonly mark: string; readonly message: Encoded }
  /** Gives the namespace one more name. */
  | { readonly do: 'attach'; readonly name: string; readonly mark: string }
  | { readonly do: 'delete'; readonly name: string }
  /** Lines for nft, in one transaction. */
  | { readonly do: 'nft'; readonly lines: string }
  /** Writes a file under /proc. */
  | { readonly do: 'write'; readonly key: string; readonly file: string; readonly text: string }
)

/** What the thread does for this operation; undefined where a program does it. */
export function callOf(operation: Operation): Call | undefined {
  const at = operation.place
  switch (operation.do) {
    case 'netns.add': {
      const { name, alias } = operation
      const message = linkMessage({ do: 'link.set', name: 'lo', set: { up: true, alias } })
      return message && { do: 'create', name, mark: alias, message: encode(message) }
    }
    case 'netns.name': {
      const [, of] = /^\/run\/netns\/([^/]+)$/.exec(operation.file) ?? []
      const { name, alias: mark = '' } = operation
      return of === undefined ? undefined : { do: 'attach', netns: of, name, mark }
    }
    case 'netns.delete':
      return { do: 'delete', name: operation.name }
    case 'link.add':
    case 'link.set':
    case 'link.delete':
      return send(linkMessage(operation), at)
    case 'sysctl.set':
      return write(operation.key, operation.value, at)
    case 'address.add':
    case 'address.replace':
    case 'address.delete':
      return send(addressMessage(operation), at)
    case 'neighbor.replace':
    case 'neighbor.delete':
      return send(neighborMessage(operation), at)
    case 'mdb.add':
    case 'mdb.delete':
      return send(mdbMessage(operation), at)
    case 'route.add':
    case 'route.replace':
    case 'route.append':
    case 'route.delete':
      return send(routeMessage(operation), at)
    case 'nexthop.add':
    case 'nexthop.replace':
    case 'nexthop.delete':
      return send(nexthopMessage(operation), at)
    case 'rule.add':
    case 'rule.delete':
      return send(ruleMessage(operation), at)
    case 'nft.load':
      // libnftables has crashed where rules are named (docs/kernel.md), and would take netlab along.
      return operation.byHandle ? undefined : { do: 'nft', ...at, lines: `${operation.lines.join('\n')}\n` }
    case 'route.flush':
    case 'fdb.add':
    case 'fdb.append':
    case 'fdb.delete':
    case 'vlan.add':
    case 'vlan.delete':
    case 'qdisc.add':
    case 'qdisc.replace':
    case 'qdisc.change':
    case 'qdisc.delete':
    case 'class.add':
    case 'class.change':
    case 'class.delete':
    case 'filter.add':
    case 'filter.delete':
    case 'file.write':
    case 'file.delete':
    case 'run':
      return undefined
  }
}

const send = (message: Message | undefined, at: { readonly netns?: string }): Call | undefined =>
  message && { do: 'send', ...at, message: encode(message) }

/** Dots and slashes change places between the key and the path (sysctl(8)). What else sysctl takes is left to it. */
function write(key: string, value: string, at: { readonly netns?: string }): Call | undefined {
  const file = sysctlFile(key).slice('/proc/'.length)
  if (!/^net(\.[\w/@+=,~-]+)+$/.test(key) || /\/\.{1,2}(\/|$)/.test(file)) return undefined
  return value === '' || value.includes('\n') ? undefined : { do: 'write', ...at, key, file, text: `${value}\n` }
}
