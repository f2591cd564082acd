import { typesByName } from '../../kinds/links/link-types.ts'
import { portTable } from '../../kinds/links/port.ts'
import { settingTable } from '../../kinds/settings.ts'
import type { Field } from '../../model/link-type.ts'
import type { LinkChange, LinkOperation, NewLink, TypeSettings } from '../../model/operation.ts'

/** `ip link …` */
export function linkCommand(operation: LinkOperation): string[] {
  switch (operation.do) {
    case 'link.add': {
      const { link, type, lower, peer } = operation
      const inside = typesByName.get(type.name)?.lowerAttribute !== undefined
      return [
        ...['ip', 'link', 'add', ...(lower === undefined || inside ? [] : ['link', lower]), ...newWords(link)],
        ...typeWords(type),
        ...(lower !== undefined && inside ? ['dev', lower] : []),
        ...(peer ? ['peer', ...newWords(peer)] : []),
      ]
    }
    case 'link.set':
      return ['ip', 'link', 'set', 'dev', operation.name, ...changeWords(operation.set)]
    case 'link.delete':
      return ['ip', 'link', 'del', ...('name' in operation ? ['dev', operation.name] : ['group', `${operation.group}`])]
  }
}

const newWords = ({ name, group, netns, mac, mtu, queues, up }: NewLink): string[] => [
  ...['name', name],
  ...(group === undefined ? [] : ['group', String(group)]),
  ...(netns === undefined ? [] : ['netns', netns]),
  ...(mac === undefined ? [] : ['address', mac]),
  ...(mtu === undefined ? [] : ['mtu', String(mtu)]),
  ...(queues === undefined ? [] : ['numtxqueues', String(queues), 'numrxqueues', String(queues)]),
  ...(up ? ['up'] : []),
]

const typeWords = ({ name, data }: TypeSettings): string[] => {
  const fields = name === 'bridge_slave' ? portTable : typesByName.get(name)?.fields
  return ['type', name, ...Object.entries(data).flatMap(([field, value]) => fieldWords(fields?.[field], field, value))]
}

const fieldWords = (field: Field | undefined, name: string, value: unknown): string[] =>
  field?.words?.(value) ?? [name, String(value)]

/** Settings in the order that they have. */
const changeWords = (set: LinkChange): string[] =>
  Object.entries(set).flatMap(([name, value]) =>
    name === 'type' ? typeWords(value as TypeSettings) : (settingTable[name]?.words(value) ?? [name, String(value)]),
  )
