import type { Command } from '../../model/command.ts'
import type { Operation } from '../../model/operation.ts'
import { addressCommand } from './spell-address.ts'
import { fdbCommand } from './spell-fdb.ts'
import { neighborCommand } from './spell-neighbor.ts'
import { mdbCommand } from './spell-mdb.ts'
import { nexthopCommand } from './spell-nexthop.ts'
import { linkCommand } from './spell-link.ts'
import { qdiscCommand } from './spell-qdisc.ts'
import { routeCommand } from './spell-route.ts'
import { ruleCommand } from './spell-rule.ts'
import { vlanCommand } from './spell-vlan.ts'

/** The command that does the operation: what people read in a plan, and what is run where netlink does not do it. */
export function commandOf(operation: Operation): Command {
  const at = operation.place
  switch (operation.do) {
    case 'run':
      return {
        argv: operation.argv,
        ...at,
        ...(operation.input !== undefined && { input: operation.input }),
        ...(operation.home && { home: operation.home }),
        ...(operation.environment && { environment: operation.environment }),
        ...(operation.timeout !== undefined && { timeout: operation.timeout }),
      }
    case 'file.write': {
      const { path, mode, uid, gid } = operation
      const words = ['install', '-D', '-m', mode, '-o', String(uid), '-g', String(gid), '/dev/stdin', path]
      return { argv: words, ...at, home: true, input: 'text' in operation ? operation.text : operation.base64 }
    }
    case 'file.delete':
      return { argv: ['rm', '-f', operation.path], ...at, home: true }
    case 'netns.add':
      return { argv: [...ADD, operation.alias, operation.name] }
    case 'netns.name':
      return { argv: ['nsenter', `--net=${operation.file}`, ...NAME, operation.name] }
    case 'netns.delete':
      return { argv: ['ip', 'netns', 'del', operation.name] }
    case 'link.add':
    case 'link.set':
    case 'link.delete':
      return { argv: linkCommand(operation), ...at }
    case 'sysctl.set':
      return { argv: ['sysctl', '-qw', `${operation.key}=${operation.value}`], ...at }
    case 'address.add':
    case 'address.replace':
    case 'address.delete':
      return { argv: addressCommand(operation), ...at }
    case 'neighbor.replace':
    case 'neighbor.delete':
      return { argv: neighborCommand(operation), ...at }
    case 'fdb.add':
    case 'fdb.append':
    case 'fdb.delete':
      return { argv: fdbCommand(operation), ...at }
    case 'mdb.add':
    case 'mdb.delete':
      return { argv: mdbCommand(operation), ...at }
    case 'vlan.add':
    case 'vlan.delete':
      return { argv: vlanCommand(operation), ...at }
    case 'qdisc.add':
    case 'qdisc.replace':
    case 'qdisc.change':
    case 'qdisc.delete':
    case 'class.add':
    case 'class.change':
    case 'class.delete':
    case 'filter.add':
    case 'filter.delete':
      return { argv: qdiscCommand(operation), ...at }
    case 'nft.load':
      return { argv: ['nft', '-f', '-'], ...at, input: `${operation.lines.join('\n')}\n` }
    case 'route.flush': {
      const { to, dev, metric } = operation
      const words = ['exact', to, 'dev', dev, 'proto', 'kernel', 'metric', String(metric)]
      return { argv: ['ip', '-6', 'route', 'flush', ...words], ...at }
    }
    case 'route.add':
    case 'route.replace':
    case 'route.append':
    case 'route.delete':
      return { argv: routeCommand(operation), ...at }
    case 'nexthop.add':
    case 'nexthop.replace':
    case 'nexthop.delete':
      return { argv: nexthopCommand(operation), ...at }
    case 'rule.add':
    case 'rule.delete':
      return { argv: ruleCommand(operation), ...at }
  }
}

/** The alias and the name are arguments of the script, not part of it. */
const ADD = ['unshare', '--net', 'sh', '-c', 'ip link set dev lo up alias "$1" && ip netns attach "$2" $$', 'sh']
/** Runs within the namespace by nsenter: `ip netns exec` would mount the name in a mount namespace of its own. */
const NAME = ['sh', '-c', 'exec ip netns attach "$1" $$', 'sh']
