import type { ValidateFunction } from 'ajv'

/** Checks a parsed lab file against the schema; its `errors` are those of the last call. The build generates it. */
declare const validate: ValidateFunction
export default validate
