import type { Operation } from '../../model/operation.ts'

/** What one process does many of. `sysctl` takes them as arguments; the others read commands, one a line (`-batch`). */
export type Batch = 'ip' | 'tc' | 'bridge' | 'sysctl'

const batches: Readonly<Record<Exclude<Operation['do'], 'run'>, Batch | undefined>> = {
  'netns.add': undefined,
  'netns.name': undefined,
  'netns.delete': 'ip',
  'link.add': 'ip',
  'link.set': 'ip',
  'link.delete': 'ip',
  'sysctl.set': 'sysctl',
  'address.add': 'ip',
  'address.replace': 'ip',
  'address.delete': 'ip',
  'neighbor.replace': 'ip',
  'neighbor.delete': 'ip',
  'route.add': 'ip',
  'route.replace': 'ip',
  'route.append': 'ip',
  'route.delete': 'ip',
  'route.flush': 'ip',
  'nexthop.add': 'ip',
  'nexthop.replace': 'ip',
  'nexthop.delete': 'ip',
  'rule.add': 'ip',
  'rule.delete': 'ip',
  'fdb.add': 'bridge',
  'fdb.append': 'bridge',
  'fdb.delete': 'bridge',
  'mdb.add': 'bridge',
  'mdb.delete': 'bridge',
  'vlan.add': 'bridge',
  'vlan.delete': 'bridge',
  'qdisc.add': 'tc',
  'qdisc.replace': 'tc',
  'qdisc.change': 'tc',
  'qdisc.delete': 'tc',
  'class.add': 'tc',
  'class.change': 'tc',
  'class.delete': 'tc',
  'filter.add': 'tc',
  'filter.delete': 'tc',
  'nft.load': undefined,
  'file.write': undefined,
  'file.delete': undefined,
}

/** What does the operation along with others; undefined: a process of its own. */
export const batchOf = (operation: Operation): Batch | undefined =>
  operation.do === 'run' ? operation.batch : batches[operation.do]
