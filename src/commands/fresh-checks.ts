import { stage } from '../host/status-line.ts'
import type { Diagnostic } from '../model/diagnostic.ts'
import type { Host } from '../model/host.ts'
import { openCopy } from '../session/client.ts'
import type { Source } from '../session/protocol.ts'
import { renderLeftOut, type CheckJson, type ChecksJson } from '../views/check-results.ts'
import { note, report, type Global } from './terminal.ts'

/** Shows results of checks as they come. */
export interface ChecksPrinter {
  /** Called first, with the names of the checks. */
  readonly begin: (names: readonly string[]) => void
  readonly each: (check: CheckJson) => void
}

/** How checks are run in a copy. */
export interface FreshOptions extends Global, ChecksPrinter {
  readonly lint?: boolean
  readonly processes?: boolean
  readonly only?: string
  readonly failFast?: boolean
  /** Called with the lab file and the files that it names, when they have been read. */
  readonly onRead?: (files: readonly string[]) => void
}

/**
 * Builds a lab in a copy, runs its checks there, and throws it away. What the copy cannot have is reported, and in the document.
 * Throws a UserError when the lab cannot be built.
 */
export async function testFresh(
  host: Host,
  source: Source,
  { lint = true, processes = true, only, failFast = false, begin, each, onRead, ...global }: FreshOptions,
): Promise<{
  readonly json: ChecksJson
  readonly remarks: () => Promise<readonly Diagnostic[]>
  readonly untried: number
}> {
  stage('Building a copy …')
  const copy = await openCopy(host)
  try {
    const built = await copy.ask('apply', { source, processes, lint }, ({ files }) => onRead?.(files))
    report(built.warnings, global)
    note(renderLeftOut(built.leftOut))
    let total = 0
    const input = { ...(only !== undefined && { only }), failFast }
    const { json, remarks } = await copy.ask('test', input, (event) => {
      if ('check' in event) return each(event.check)
      total = event.names.length
      if (total === 0) note(`${source.file === '-' ? 'standard input' : source.file} has no checks.\n`)
      begin(event.names)
    })
    return {
      json: { ...json, ...(built.leftOut.length && { left_out: built.leftOut }) },
      remarks: async () => remarks,
      untried: total - json.checks.length,
    }
  } finally {
    stage('Taking the copy away …')
    await copy.close()
  }
}
