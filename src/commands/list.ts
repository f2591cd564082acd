import { stage } from '../host/status-line.ts'
import { startRunner } from '../run/choose-runner.ts'
import { owners } from '../observe/owners.ts'
import { findStrays } from '../observe/strays.ts'
import type { Host } from '../model/host.ts'
import { foldNames } from '../views/fold.ts'
import { FORMAT } from '../views/json.ts'
import { note, out, outJson, type Global } from './terminal.ts'

interface Options extends Global {
  readonly json?: boolean
  /** Nothing is folded. */
  readonly full?: boolean
}

/** `netlab list`: the labs that are live here, with their namespaces. */
export async function listLabs(host: Host, options: Options): Promise<number> {
  stage('Reading the live network …')
  const runner = startRunner(host)
  const known = await owners(runner)
  const strays = await findStrays(runner, known)
  const names = [...new Set([...known.byLab.keys(), ...strays.flatMap((stray) => [...stray.labs])])].sort()
  const labs = names.map((name) => {
    const borrowed = strays.flatMap(({ labs: all, path }) => (all.has(name) ? [path] : []))
    return { name, namespaces: known.byLab.get(name) ?? [], ...(borrowed.length && { borrowed }) }
  })
  const elsewhere = host
    .otherWorlds()
    .flatMap(({ where, call, namespaces }) =>
      namespaces.length ? [{ where, command: `${call} list`, namespaces }] : [],
    )
  if (options.json) {
    outJson({ format_version: FORMAT, labs, elsewhere })
    return 0
  }
  if (labs.length === 0) out('No lab is live here.\n')
  else {
    const width = Math.max(...labs.map(({ name }) => name.length))
    out(
      labs
        .map(
          ({ name, namespaces, borrowed = [] }) =>
            `${name.padEnd(width)}  ${[foldNames(namespaces, options.full), ...borrowed].filter(Boolean).join(' ')}\n`,
        )
        .join(''),
    )
  }
  for (const { where, command, namespaces } of elsewhere) note(`Also ${where}: ${shortened(namespaces)} (${command})\n`)
  return 0
}

/** The first names, those that are alike folded, and how many more there are. */
function shortened(names: readonly string[]): string {
  const folded = foldNames(names).split(' ')
  const more = folded.length - 6
  return [...folded.slice(0, 6), ...(more > 0 ? [`and ${more} more`] : [])].join(' ')
}
