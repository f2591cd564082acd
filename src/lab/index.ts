import type { Check } from '../model/check.ts'
import { UserError, type Diagnostic } from '../model/diagnostic.ts'
import type { Resources } from '../model/resource.ts'
import { expandChecks } from './checks.ts'
import { checkConfines, type Confines } from './confined.ts'
import { expansion, type Expansion } from './context.ts'
import type { LabFile } from './file.ts'
import { expandFirewalls, whereIn, type Where } from './firewalls.ts'
import { expandInterfaces } from './interfaces.ts'
import { lint } from './lints.ts'
import { labName } from './names.ts'
import { expandNamespaces } from './namespaces.ts'
import { expandProcesses } from './processes.ts'
import { writeOut } from './ranges.ts'
import { reporter } from './report.ts'
import { expandRouting } from './routing.ts'
import { checkSettings, expandSettings } from './settings.ts'
import { checkShape } from './shape.ts'
import { parse } from './source.ts'
import { expandWireguard, type KeyFile } from './wireguard.ts'

/** A lab file's text, and the way to the files that it names. */
export interface LabInput {
  /** For messages; `-` is standard input. */
  readonly file: string
  readonly text: string
  /** Reads a file that lies beside the lab file. Throws as `readFileSync` does. */
  readonly readBeside?: (path: string) => string
  /** Finds a file that holds a key, beside the lab file. Saved plans do not record it. */
  readonly keyFile?: KeyFile
  /** What the lab cannot have where it is to live. */
  readonly confines?: Confines | undefined
}

/** A lab: what its file asks for, written out. */
export interface Lab {
  readonly name: string
  readonly file: string
  readonly description?: string
  /** Every namespace name of the file, in its order. */
  readonly namespaces: ReadonlyMap<string, { readonly root?: true; readonly shares?: string }>
  readonly resources: Resources
  readonly checks: readonly Check[]
  readonly warnings: readonly Diagnostic[]
  /** Where the places are that the tools complain about in a firewall. */
  readonly where: Where
}

/** Throws a UserError with everything that is wrong when the text is no lab. */
export function loadLab(input: LabInput): Lab {
  const { lab, diagnostics } = examine(input)
  const errors = diagnostics.filter(({ severity }) => severity === 'error')
  if (!lab || errors.length) throw new UserError(errors)
  return lab
}

/** All errors and warnings, in the order of the lines. */
export const diagnose = (input: LabInput): readonly Diagnostic[] => examine(input).diagnostics

function examine({ file, text, readBeside = missing, keyFile = missing, confines }: LabInput): {
  lab?: Lab
  diagnostics: Diagnostic[]
} {
  const source = writeOut(parse(file, text))
  const report = reporter(source)
  const sorted = (): Diagnostic[] => [...report.diagnostics].sort((a, b) => order(a) - order(b))
  if (report.failed() || !checkShape(source.value, report)) return { diagnostics: sorted() }
  const wanted = source.value as LabFile
  const name = wanted.name ?? nameFrom(file)
  const x: Expansion = expansion(name, wanted, report)
  const where = whereIn(source)
  if (confines) checkConfines(x, confines)
  expandNamespaces(x)
  if (report.failed()) return { diagnostics: sorted() }
  expandSettings(x)
  expandInterfaces(x)
  expandWireguard(x, keyFile)
  expandRouting(x)
  expandFirewalls(x, where, readBeside)
  expandProcesses(x)
  checkSettings(x)
  const checks = expandChecks(x)
  if (!report.failed()) lint(x)
  const diagnostics = sorted()
  const namespaces = new Map(
    Object.entries(wanted.namespaces).map(([namespace, n]) => [
      namespace,
      { ...(n?.root && { root: n.root }), ...(n?.shares !== undefined && { shares: n.shares }) },
    ]),
  )
  const { description } = wanted
  const warnings = diagnostics.filter(({ severity }) => severity === 'warning')
  const lab = {
    name,
    file,
    ...(description !== undefined && { description }),
    namespaces,
    resources: x.resources,
    checks,
    warnings,
    where,
  }
  return { lab, diagnostics }
}

const order = ({ position }: Diagnostic): number => (position ? position.line * 10000 + position.column : 0)

const missing = (path: string): never => {
  throw new Error(`${path} cannot be read from here`)
}

/** The file's base name, as far as a lab can be called that. */
function nameFrom(file: string): string {
  const base = (file.split('/').at(-1) ?? '').replace(/\.ya?ml$/, '').toLowerCase()
  const name = base
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^-+/, '')
    .slice(0, 32)
  return labName.test(name) ? name : 'lab'
}
