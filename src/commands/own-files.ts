import { readFileSync, statSync, writeFileSync } from 'node:fs'
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

/** What changes when a file does, by its path. */
export type FileStamps = ReadonlyMap<string, string>

/** The stamps of files as they are now. */
export const stampsOf = (paths: Iterable<string>): FileStamps =>
  new Map([...paths].map((path) => [path, stampOf(path)]))

function stampOf(path: string): string {
  const { mtimeMs, size, ino } = statSync(path, { throwIfNoEntry: false }) ?? {}
  return `${mtimeMs} ${size} ${ino}`
}

/** How often files are looked at, and how long an editor may take to write one, in milliseconds. */
const LOOK = 200

/** `changed` is resolved when one of the files is another than its stamp says. */
export function watchFiles(stamps: FileStamps): { readonly changed: Promise<void>; readonly stop: () => void } {
  let timer: NodeJS.Timeout | undefined
  const changed = new Promise<void>((done) => {
    timer = setInterval(() => {
      if ([...stamps].every(([path, stamp]) => stampOf(path) === stamp)) return
      clearInterval(timer)
      timer = setTimeout(done, LOOK)
    }, LOOK)
  })
  return { changed, stop: () => clearTimeout(timer) }
}
