import type { Difference, Emission } from '../../model/change.ts'
import { sha256 } from '../../model/digest.ts'
import type { Kind } from '../../model/kind.ts'
import { linkId, type Resource } from '../../model/resource.ts'
import type { IpSa } from '../../model/tunnel-dump.ts'
import { mapped, same, within } from '../common.ts'
import { ofInterface } from '../lab-entry.ts'

/** A secure association: no key is in it. */
export interface Sa {
  /** The name of the key, 32 hexadecimal digits. */
  readonly key_id: string
  readonly active: boolean
  /** Desired only: the file that holds the key. */
  readonly key_file?: string
  /** Desired only, in place of a file: whose generated key it is, and how many hexadecimal digits of it: `h1/sec0/tx/0`. */
  readonly key_of?: string
  readonly digits?: number
}

/** A channel by which somebody else sends. */
export interface RxChannel {
  readonly active: boolean
  /** By number. */
  readonly sas: Readonly<Record<string, Sa>>
  /** Desired only: the id of the interface that it belongs to. */
  readonly peer?: string
}

/** What `ip macsec` sets on an interface. */
export type MacsecSpec = {
  readonly dev: string
  /** By number. */
  readonly tx: Readonly<Record<string, Sa>>
  /** By SCI. */
  readonly rx: Readonly<Record<string, RxChannel>>
}

/** `h1/sec0/macsec` */
export const macsecKeysId = (namespace: string, dev: string): string => `${linkId(namespace, dev)}/macsec`

/** What a generated key is made of; it is no secret. */
const seed = (lab: string, owner: string): string => `netlab ${lab} macsec ${owner}`
/** A generated key of so many hexadecimal digits; `owner`: `h1/sec0/tx/0`. A shell makes the same (`MADE`). */
export const generatedSak = (lab: string, owner: string, digits: number): string =>
  sha256(seed(lab, owner)).slice(0, digits)
/** Names a key without telling it. */
export const keyName = (key: string): string => sha256(`macsec ${key.toLowerCase()}`).slice(0, 32)

const sasOf = (list: readonly IpSa[] = []): Record<string, Sa> =>
  Object.fromEntries(list.map(({ an, active, key }) => [String(an), { key_id: key, active }]))

/** The keys and channels of a MACsec interface (ip-macsec(8)), changed in place. */
export const macsecKeys: Kind<MacsecSpec> = {
  name: 'macsec-keys',

  read: (dump, { namespace, borrowed }) =>
    (dump.macsec ?? []).map(({ ifname, sa_list, rx_sc = [] }): Resource<MacsecSpec> => ({
      ...{ id: macsecKeysId(namespace, ifname), kind: 'macsec-keys', namespace, ...(borrowed && { borrowed }) },
      spec: {
        ...{ dev: ifname, tx: sasOf(sa_list) },
        rx: Object.fromEntries(
          rx_sc.map(({ sci, active, sa_list }) => [
            sci.replace(/^0x/, '').padStart(16, '0'),
            { active, sas: sasOf(sa_list) },
          ]),
        ),
      },
    })),

  toLab(r, resources) {
    const { dev, tx, rx } = r.spec
    const entry = ([an, { key_id, active, key_file }]: [string, Sa]) => ({
      sa: Number(an),
      key_id,
      ...(key_file !== undefined && { key_file }),
      ...(!active && { active }),
    })
    return ofInterface(r, dev, resources, {
      ...(Object.keys(tx).length > 0 && { tx: Object.entries(tx).map(entry) }),
      rx: Object.entries(rx).map(([sci, { active, sas, peer }]) => ({
        ...(peer === undefined ? { sci, sas: Object.entries(sas).map(entry) } : { peer: peer.replace('/', ':') }),
        ...(!active && { active }),
      })),
    })
  },
  describe: ({ tx, rx }) => `sends by ${Object.keys(tx).length} keys, accepts ${Object.keys(rx).length} channels`,

  compare(live, desired) {
    const [from, to] = [parts(live), parts(desired)]
    return [...new Set([...from.keys(), ...to.keys()])].flatMap((field): Difference[] => {
      const [before, after] = [from.get(field), to.get(field)]
      if (same(before, after)) return []
      return [{ field, ...(before !== undefined && { from: before }), ...(after !== undefined && { to: after }) }]
    })
  },

  needs: ({ namespace, spec }) => [linkId(namespace, spec.dev)],
  lostWith: ({ namespace, spec }) => [namespace, linkId(namespace, spec.dev)],
  // It goes with its interface, and never alone.
  automatic: () => true,

  create: (r, { lab }) => [...parts(r.spec)].flatMap(([field, to]) => add(r, lab, field, to)),
  update: ({ live, desired, differences }, { lab }) => {
    const goes = new Set(differences.flatMap(({ field, to }) => (to === undefined ? [field] : [])))
    return differences.flatMap(({ field, from, to }): Emission[] => {
      // What a channel has goes with it.
      if (goes.has(field.split(' ').slice(0, 2).join(' ')) && field.split(' ').length === 3) return []
      if (to === undefined) return remove(live, field, from as Part)
      if (from === undefined) return add(desired, lab, field, to as Part)
      const [before, after] = [from as Part, to as Part]
      if (before.key_id === after.key_id) return [ip(desired, 'set', field, after.active ? 'on' : 'off')]
      return [...remove(live, field, before), ...add(desired, lab, field, after)]
    })
  },
  remove: () => [],
}

/** What is compared of an association or, without a key, of a channel. */
type Part = Pick<Sa, 'active'> & Partial<Pick<Sa, 'key_id'>>

/** The parts by name: `tx 0`, `rx 0200000000010001`, `rx 0200000000010001 0`; a channel before what is in it. */
function parts({ tx, rx }: MacsecSpec): Map<string, Part> {
  const shown = ({ key_id, active }: Sa): Part => ({ key_id, active })
  return new Map<string, Part>([
    ...Object.entries(mapped(tx, shown)).map(([an, part]): [string, Part] => [`tx ${an}`, part]),
    ...Object.entries(rx).flatMap(([sci, { active, sas }]): [string, Part][] => [
      [`rx ${sci}`, { active }],
      ...Object.entries(mapped(sas, shown)).map(([an, part]): [string, Part] => [`rx ${sci} ${an}`, part]),
    ]),
  ])
}

/** The association of a name that `parts` gives. */
function saOf({ tx, rx }: MacsecSpec, field: string): Sa | undefined {
  const [way, one = '', an = ''] = field.split(' ')
  return way === 'tx' ? tx[one] : rx[one]?.sas[an]
}

/** The words of ip-macsec(8) for a part: `tx sa 0`, `rx sci 0200000000010001 sa 0`. */
function words(field: string): string[] {
  const [way = '', one = '', an] = field.split(' ')
  return way === 'tx' ? ['tx', 'sa', one] : ['rx', 'sci', one, ...(an === undefined ? [] : ['sa', an])]
}

const emit = (r: Resource<MacsecSpec>, ...argv: string[]): Emission => ({
  stage: 'set links',
  operation: within(r, ...argv),
})
const ip = (r: Resource<MacsecSpec>, how: 'add' | 'set' | 'del', field: string, ...more: string[]): Emission =>
  emit(r, 'ip', 'macsec', how, r.spec.dev, ...words(field), ...more)

/** The key goes from its file, or from where it is made, to `ip`: it is in no argument and in no plan. */
const ADD = `printf 'macsec add %s pn 1 %s key %s %s\\n' "$1" "$2" "$3"`
const FROM_FILE = `${ADD} "$(tr -cd 0-9A-Fa-f <"$4")" | ip -batch -`
const MADE = `${ADD} "$(printf %s "$4" | sha256sum | cut -c "1-$5")" | ip -batch -`

function add(r: Resource<MacsecSpec>, lab: string, field: string, { active, key_id }: Part): Emission[] {
  const state = active ? 'on' : 'off'
  const sa = saOf(r.spec, field)
  if (key_id === undefined || !sa) return [ip(r, 'add', field, state)]
  const what = [[r.spec.dev, ...words(field)].join(' '), state, key_id]
  return sa.key_file !== undefined
    ? [emit(r, 'sh', '-c', FROM_FILE, 'sh', ...what, sa.key_file)]
    : [emit(r, 'sh', '-c', MADE, 'sh', ...what, seed(lab, sa.key_of ?? ''), String(sa.digits))]
}

/** The kernel keeps an association that is in use (macsec_del_rxsa in drivers/net/macsec.c). */
const remove = (r: Resource<MacsecSpec>, field: string, { active, key_id }: Part): Emission[] => [
  ...(active && key_id !== undefined ? [ip(r, 'set', field, 'off')] : []),
  ip(r, 'del', field),
]
