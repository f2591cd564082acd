import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { UserError } from '../model/diagnostic.ts'

/**
 * Writes a file for the user, always on the machine that netlab itself runs on. Throws a UserError when it cannot be
 * written.
 */
export function writeFile(path: string, text: string, mode?: number): void {
  try {
    writeFileSync(path, text, { ...(mode !== undefined && { mode }) })
  } catch (error) {
    throw UserError.of('cannot-write', `cannot write ${path}`, (error as Error).message)
  }
}

/** The text of a file that is part of netlab's package, by its path in there. */
export const packageFile = (path: string): string => readFileSync(join(dirname(__filename), '..', path), 'utf8')
