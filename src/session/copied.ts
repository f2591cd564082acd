import type { LocatedFile } from '../commands/locate.ts'
import { kindOf } from '../kinds/index.ts'
import { openLab, type Lab, type LabHeader, type OpenLab } from '../language/load-lab.ts'
import type { Host } from '../model/host.ts'
import type { Resource, Resources } from '../model/resource.ts'
import { topologyOf } from '../model/topology.ts'
import type { CopyInput } from './protocol.ts'

/** Opens the lab that a copy is to have. Throws a UserError when the file has errors. */
export function openCopied({ live, lint }: CopyInput, located: LocatedFile | undefined, host: Host): OpenLab {
  const opened =
    located && openLab({ ...located, readBeside: located.beside, confines: host.confines(), lint: live ? false : lint })
  if (!live) return opened!
  const file = opened?.lab()
  const resources = desiredOf(live.resources, file?.resources)
  const header = headerOf(live.lab, resources, opened)
  const nothing = { checks: [], faults: new Map(), warnings: [], where: () => ({}) }
  const empty = { file: live.lab, folder: process.cwd(), ...nothing }
  const lab: Lab = { ...empty, ...file, ...header, resources, topology: topologyOf(resources) }
  const position = () => ({ file: live.lab, line: 1, column: 1 })
  const it: OpenLab = {
    quote: (diagnostic) => diagnostic,
    position,
    ...opened,
    ...header,
    lab: () => lab,
    at: () => it,
  }
  return it
}

/**
 * What is live, as what is wanted: without addresses that the kernel makes by itself. What is the same in the file is as the file
 * has it: with its position, and with keys that the kernel does not tell.
 */
function desiredOf(live: readonly Resource[], file: Resources = new Map()): Resources {
  const result = new Map<string, Resource>()
  for (const r of live) {
    const { kind, spec, lost, others } = r
    const isKernels = kind === 'address' && kindOf(kind).automatic?.(r)
    if (lost || others || spec['stale'] || spec['state'] !== undefined || isKernels) continue
    const written = file.get(r.id)
    const { source } = written ?? {}
    const isSame = written?.kind === kind && kindOf(kind).compare(spec, written.spec).length === 0
    result.set(r.id, isSame ? written : { ...r, ...(source && { source }) })
  }
  return result
}

/** The header of a lab that has these resources. */
function headerOf(name: string, resources: Resources, file: LabHeader | undefined): LabHeader {
  const namespaces = new Map(file?.namespaces)
  const sysctls = new Map<string, string[]>()
  for (const { namespace, kind, id, borrowed, spec } of resources.values()) {
    if (kind === 'share') namespaces.set(id, { shares: String(spec['of']) })
    else if (!namespaces.has(namespace)) namespaces.set(namespace, borrowed === undefined ? {} : { borrowed })
    if (kind === 'sysctl') sysctls.set(namespace, [...(sysctls.get(namespace) ?? []), String(spec['key'])])
  }
  return { name, namespaces, sysctls, nftables: file?.nftables ?? new Map() }
}
