import { startRunner } from '../run/choose-runner.ts'
import { owners } from '../observe/owners.ts'
import type { Host } from '../model/host.ts'
import { FORMAT } from '../views/json.ts'
import { out, outJson, type Global } from './terminal.ts'

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
  return 0
}
