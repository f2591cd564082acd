import type { Difference, Emission } from '../model/change.ts'
import { shell } from '../model/command.ts'
import type { Kind, LabContext } from '../model/kind.ts'
import type { Program } from '../model/operation.ts'
import { placeOf } from '../model/place.ts'
import { linkId, type Resource } from '../model/resource.ts'
import { within } from './common.ts'
import { ofInterface, without } from './lab-entry.ts'

/** What ethtool(8) sets of an interface. Live, it has only what the lab says, and is there only where the lab says something. */
export type EthtoolSpec = {
  readonly dev: string
  /** By the names that `ethtool -k` prints. */
  readonly offload?: Readonly<Record<string, boolean>>
  /** How many queues are in use. */
  readonly channels?: Readonly<Partial<Record<'rx' | 'tx', number>>>
}

/** `h1/eth0/ethtool` */
export const ethtoolId = (namespace: string, dev: string): string => `${linkId(namespace, dev)}/ethtool`

/** The short names that `ethtool -K` takes, and what `ethtool -k` prints (off_flag_def in ethtool's common.c). */
export const shortNames: Readonly<Record<string, string>> = {
  rx: 'rx-checksumming',
  tx: 'tx-checksumming',
  sg: 'scatter-gather',
  tso: 'tcp-segmentation-offload',
  gso: 'generic-segmentation-offload',
  gro: 'generic-receive-offload',
  lro: 'large-receive-offload',
  rxvlan: 'rx-vlan-offload',
  txvlan: 'tx-vlan-offload',
  ntuple: 'ntuple-filters',
  rxhash: 'receive-hashing',
}

/** What the kernel turns off with another (netdev_fix_features in net/core/dev.c), by short names. */
const needs: Readonly<Record<string, readonly string[]>> = { tso: ['tx', 'sg'], gso: ['sg'] }

/** `offload`, `channels` and `queues` of an interface of a lab file. */
interface Entry {
  readonly offload?: Readonly<Record<string, boolean>>
  readonly channels?: EthtoolSpec['channels']
  readonly queues?: number
}

function fromLab({ offload, channels, queues }: Entry, { name: dev, error }: LabContext): EthtoolSpec | undefined {
  const named: Record<string, boolean> = {}
  for (const [name, value] of Object.entries(offload ?? {})) {
    const long = Object.hasOwn(shortNames, name) ? (shortNames[name] ?? name) : name
    if (long in named)
      error('given-twice', ['offload', name], `${long} is already set`, 'Leave one of them out.', 'key')
    named[long] = value
  }
  for (const [name, others] of Object.entries(needs))
    for (const other of others)
      if (named[shortNames[name] ?? ''] && named[shortNames[other] ?? ''] === false)
        error(
          'senseless-field',
          ['offload'],
          `the kernel turns ${name} off when ${other} is off`,
          `Set ${name}: false.`,
        )
  for (const [name, count] of Object.entries(channels ?? {}))
    if (queues !== undefined && count > queues)
      error(
        'bad-value',
        ['channels', name],
        `${dev} has only ${queues} queues`,
        'Raise queues to at least this number.',
      )
  const spec = {
    ...(Object.keys(named).length > 0 && { offload: named }),
    ...(channels && Object.keys(channels).length > 0 && { channels }),
  }
  return Object.keys(spec).length ? { dev, ...spec } : undefined
}

/** The offloads and channels that a lab sets on an interface. What the lab does not name is not read, and stays as it is. */
export const ethtool: Kind<EthtoolSpec> = {
  name: 'ethtool',
  // They are read where the lab says them: src/observe/tuned.ts.
  read: () => [],
  fromLab,
  toLab: (r, resources) => ofInterface(r, r.spec.dev, resources, without(r.spec, 'dev')),
  describe: ({ offload = {}, channels = {} }) =>
    [
      ...Object.entries(offload).map(([name, on]) => `${name} ${on ? 'on' : 'off'}`),
      ...Object.entries(channels).map(([name, count]) => `${count} ${name} channels`),
    ].join(', '),
  compare: (live, desired) =>
    (['offload', 'channels'] as const).flatMap((part) =>
      Object.entries(desired[part] ?? {}).flatMap(([name, to]): Difference[] => {
        const from = (live[part] as Readonly<Record<string, unknown>> | undefined)?.[name]
        return from === to ? [] : [{ field: `${part} ${name}`, from, to }]
      }),
    ),
  requires: () => ['ethtool'],
  needs: ({ namespace, spec }) => [linkId(namespace, spec.dev)],
  lostWith: ({ namespace, spec }) => [namespace, linkId(namespace, spec.dev)],
  // It goes with its interface, and never alone.
  create: (r) => set(r, r.spec),
  update: ({ desired, differences }) => {
    const of = (part: string): Record<string, any> =>
      Object.fromEntries(
        differences.flatMap(({ field, to }) => {
          const [kind, name = ''] = field.split(' ')
          return kind === part ? [[name, to]] : []
        }),
      )
    return set(desired, { offload: of('offload'), channels: of('channels') })
  },
  remove: () => [],
}

/** Sets offloads, and fails where one of them is not as it should be: `ethtool -K` succeeds when it has changed any. */
const SET = `dev=$1; shift
said=$(ethtool -K "$dev" "$@" 2>&1)
has=$(ethtool -k "$dev")
while [ $# -gt 0 ]; do
  printf %s "$has" | grep -Eq "^[[:space:]]*$1: $2( |$)" ||
    { printf '%s\n' "cannot have $1 $2: its driver, or another offload, does not allow it" "$said" >&2; exit 1; }
  shift 2
done`

function set(r: Resource<EthtoolSpec>, { offload = {}, channels = {} }: Omit<EthtoolSpec, 'dev'>): Emission[] {
  const { dev } = r.spec
  const features = Object.entries(offload).flatMap(([name, on]) => [name, on ? 'on' : 'off'])
  const counts = Object.entries(channels).flatMap(([name, count]) => [name, String(count)])
  const instead = shell({ argv: ['ethtool', '-K', dev, ...features], ...placeOf(r) })
  const emit = (operation: Program): Emission => ({ stage: 'set links', operation })
  return [
    ...(features.length ? [emit({ ...within(r, 'sh', '-c', SET, 'sh', dev, ...features), instead })] : []),
    ...(counts.length ? [emit(within(r, 'ethtool', '-L', dev, ...counts))] : []),
  ]
}

/** Prints what ethtool reads of the interfaces that are its arguments, each after a mark. */
export const ETHTOOL_SCRIPT =
  'for dev; do echo "--netlab-- $dev"; ethtool -k "$dev"; ethtool -l "$dev"; done 2>/dev/null'

/** Whether an offload is on, and whether the driver allows another value. */
export interface TunedOffload {
  readonly on: boolean
  readonly fixed: boolean
  /** It is not as was asked for: another offload, or the driver, does not allow it now. */
  readonly follows: boolean
  /** It is one of those that the last offload before it stands for. */
  readonly isPart: boolean
}

/** What ethtool reads of an interface. */
export interface Tuned {
  readonly offload: ReadonlyMap<string, TunedOffload>
  readonly channels: Readonly<Record<string, number>>
}

/** What the script has printed, by interface. */
export function parseEthtool(text: string): Map<string, Tuned> {
  const found = new Map<string, Tuned>()
  for (const part of text.split('--netlab-- ').slice(1)) {
    const [dev = '', ...lines] = part.split('\n')
    const offload = new Map(
      lines.flatMap((line) => {
        const [, tab, name = '', state, note = ''] = /^(\t?)([\w-]+): (on|off)(?: \[(.*)\])?$/.exec(line) ?? []
        if (state === undefined) return []
        const flags = { fixed: note === 'fixed', follows: note.startsWith('requested'), isPart: tab !== '' }
        return [[name, { on: state === 'on', ...flags }] as const]
      }),
    )
    const current = lines.slice(lines.indexOf('Current hardware settings:') + 1)
    const channels = Object.fromEntries(
      current.flatMap((line) => {
        const [, name = '', count] = /^(RX|TX):\s+(\d+)$/.exec(line) ?? []
        return count === undefined ? [] : [[name.toLowerCase(), Number(count)]]
      }),
    )
    found.set(dev, { offload, channels })
  }
  return found
}
