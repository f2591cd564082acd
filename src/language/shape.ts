import type * as ShapeErrors from './shape-errors.ts'
import validateShape from './validator.generated.cjs'
import type { Report } from './report.ts'

/** Checks a parsed value against the schema and reports errors. Returns whether it is valid. */
export function checkShape(value: unknown, report: Report): boolean {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    report.error('wrong-shape', [], 'a lab file is a map with namespaces and links', 'See docs/language.md.')
    return false
  }
  if (validateShape(value)) return true
  // Loaded on demand: most lab files have the right shape, and loading the schema takes Node 5 ms.
  const { reportShape } = require('./shape-errors.ts') as typeof ShapeErrors
  reportShape(validateShape.errors ?? [], value, report)
  return false
}
