import { readFileSync } from 'node:fs'
import Ajv, { type ValidateFunction } from 'ajv'
import type { Outcome } from '../../src/model/command.ts'

/** The schema without the freedom to have other fields: in tests, a field that is not described is a mistake. */
function closed(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(closed)
  if (part === null || typeof part !== 'object') return part
  const copy = Object.fromEntries(Object.entries(part).map(([key, value]) => [key, closed(value)]))
  return 'properties' in copy && !('additionalProperties' in copy) ? { ...copy, additionalProperties: false } : copy
}

let ajv: Ajv | undefined

/** The validator of the documents of one command, or of `error`; undefined for commands without documents. */
function validatorOf(command: string): ValidateFunction | undefined {
  ajv ??= new Ajv({ allowUnionTypes: true }).addSchema(
    closed(JSON.parse(readFileSync('schemas/output.schema.json', 'utf8'))) as object,
    'output',
  )
  return ajv.getSchema(`output#/definitions/${command}`)
}

/** Throws if what a run of netlab printed is not a document of schemas/output.schema.json, where it printed one. */
export function checkDocument(args: readonly string[], { code, stdout }: Outcome): void {
  const own = args.includes('--') ? args.slice(0, args.indexOf('--')) : args
  const [command] = own.filter((arg) => !arg.startsWith('-'))
  if (!command || !own.includes('--json') || stdout === '' || code > 123) return // timeout(1) and signals may cut it off
  const document = JSON.parse(stdout) as object
  const failed = 'error' in document && Object.keys(document).length === 2
  const validate = validatorOf(failed ? 'error' : command)
  if (!validate) throw new Error(`netlab ${command} --json: no such definition in schemas/output.schema.json`)
  if (!validate(document))
    throw new Error(`netlab ${args.join(' ')}: ${ajv?.errorsText(validate.errors, { dataVar: 'document' })}\n${stdout}`)
}
