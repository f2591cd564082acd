import { stage } from '../host/status-line.ts'
import type { Diagnostic } from '../model/diagnostic.ts'
import type { Host } from '../model/host.ts'
import { openCopy } from '../session/client.ts'
import type { CopyInput } from '../session/protocol.ts'
import { renderLeftOut, renderSummary, type ChecksJson } from '../views/check-results.ts'
import { checksPrinter, type ChecksPrinter } from './checks-printer.ts'
import { seedOf } from './run-fault.ts'
import { note, out, outColors, report, type Global } from './terminal.ts'

/** What is copied: without the options that `FreshOptions` has. */
type Copied = Pick<CopyInput, 'source' | 'live'>

/** How checks are run in a copy. */
interface FreshOptions extends Global, ChecksPrinter {
  readonly lint?: boolean
  readonly processes?: boolean
  readonly only?: string
  readonly failFast?: boolean
  /** Of timelines of faults. */
  readonly seed?: string
  /** Called with the lab file and the files that it names, when they have been read. */
  readonly onRead?: (files: readonly string[]) => void
}

/**
 * Builds a lab in a copy, runs its checks there, and throws it away. What the copy cannot have is reported, and in the document.
 * Throws a UserError when the lab cannot be built.
 */
export async function testFresh(
  host: Host,
  copied: Copied,
  { lint = true, processes = true, only, failFast = false, seed, begin, each, onRead, ...global }: FreshOptions,
): Promise<{
  readonly json: ChecksJson
  readonly remarks: () => Promise<readonly Diagnostic[]>
  readonly untried: number
}> {
  stage('Building a copy …')
  const copy = await openCopy(host)
  try {
    const built = await copy.ask('apply', { ...copied, processes, lint }, ({ files }) => onRead?.(files))
    report(built.warnings, global)
    note(renderLeftOut(built.leftOut))
    let total = 0
    const input = { ...(only !== undefined && { only }), failFast, seed: seedOf(seed) }
    const { json, remarks } = await copy.ask('test', input, (event) => {
      if ('check' in event) return each(event.check)
      total = event.names.length
      if (total === 0) note(`${built.name} has no checks.\n`)
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

/** How the checks of a plan are run. */
export interface PlannedOptions extends Global {
  /** Nothing is printed but warnings: the caller shows the results. */
  readonly quiet: boolean
  readonly processes?: boolean
}

/** Runs the checks in a copy of what a plan would make, and prints them below the plan. */
export async function testPlanned(host: Host, copied: Copied, options: PlannedOptions): Promise<ChecksJson> {
  const started = Date.now()
  const { color, processes = true, quiet } = options
  const print = checksPrinter({ color, json: quiet })
  if (!quiet) out('\nThe checks, in a copy of what would be there:\n')
  const { json, remarks } = await testFresh(host, copied, { color, processes, lint: false, ...print })
  const seconds = (Date.now() - started) / 1000
  if (!quiet && json.checks.length) out(renderSummary(json, seconds, outColors(options)))
  if (json.summary.fail) report(await remarks(), options)
  return json
}
