import { startRunner } from '../run/choose-runner.ts'
import { owners } from '../observe/owners.ts'
import type { Host } from '../model/host.ts'
import { FORMAT } from '../views/json.ts'
import { note, out, outJson, type Global } from './terminal.ts'

interface Options extends Global {
  readonly json?: boolean
}

/** `netlab list`: the labs that are live here, with their namespaces. */
export async function listLabs(host: Host, options: Options): Promise<number> {
  const labs = [...(await owners(startRunner(host))).byLab].map(([name, namespaces]) => ({ name, namespaces }))
  if (options.json) outJson({ format_version: FORMAT, labs })
  else if (labs.length === 0) out('No lab is live here.\n')
  else {
    const width = Math.max(...labs.map(({ name }) => name.length))
    out(labs.map(({ name, namespaces }) => `${name.padEnd(width)}  ${namespaces.join(' ')}\n`).join(''))
  }
  if (!options.json)
    for (const { where, call, namespaces } of host.otherWorlds())
      if (namespaces.length) note(`Also ${where}: ${shortened(namespaces)} (${call} list)\n`)
  return 0
}

/** The first names, and how many more there are. */
function shortened(names: readonly string[]): string {
  const more = names.length - 6
  return [...names.slice(0, 6), ...(more > 0 ? [`and ${more} more`] : [])].join(' ')
}
