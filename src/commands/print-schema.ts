import { packageFile } from './own-files.ts'
import { out } from './terminal.ts'

/** `netlab schema`: prints the JSON Schema of lab files, for editors and validators. */
export function printSchema(): number {
  out(packageFile('schemas/lab.schema.json'))
  return 0
}
