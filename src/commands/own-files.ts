import { isUtf8 } from 'node:buffer'
import { closeSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { snippetAt } from '../language/yaml/snippet.ts'
import { UserError } from '../model/diagnostic.ts'
import { LARGEST } from '../model/text.ts'

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

/** The bytes of a file that a lab file names. Throws an Error if it cannot be read or is larger than a lab file may be. */
export function fileBytes(full: string): Buffer {
  const stat = statSync(full)
  if (!stat.isFile()) throw new Error(stat.isDirectory() ? 'it is a directory' : 'it is not a file')
  if (stat.size > LARGEST) throw new Error('the file is larger than 16 MiB')
  return readFileSync(full)
}

/** The text of a file that a lab file names, relative to the lab's folder. Throws as `fileBytes`, and a UserError if it is not UTF-8. */
export const textBeside = (folder: string, path: string, read = fileBytes): string =>
  textOf(join(folder, path), read(resolve(folder, path)))

/** The text of a lab file. Throws a UserError if it is not UTF-8: decoding would silently replace the invalid bytes. */
export function textOf(file: string, bytes: Buffer): string {
  const text = bytes.toString()
  if (isUtf8(bytes)) return text
  const readable = Buffer.from(text)
  const before = bytes.toString(
    'utf8',
    0,
    bytes.findIndex((byte, i) => byte !== readable[i]),
  )
  const lines = before.replace(/\ufffd$/, '').split('\n')
  const position = { file, line: lines.length, column: (lines.at(-1) ?? '').length + 1 }
  const snippet = snippetAt(text.split('\n'), position)
  throw new UserError([
    {
      code: 'not-utf8',
      severity: 'error',
      summary: 'the file is not UTF-8',
      detail: 'Save it as UTF-8.',
      position,
      snippet,
    },
  ])
}

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

/** A file that is written piece by piece. */
export interface Output {
  /** Rejects with a UserError when it cannot be written. */
  readonly write: (bytes: Uint8Array) => Promise<void>
  readonly close: () => void
}

/** Opens a file for the user, and empties it. Throws a UserError when it cannot be written. */
export function openOutput(path: string): Output {
  const attempt = <T>(act: () => T): T => {
    try {
      return act()
    } catch (error) {
      throw UserError.of('cannot-write', `cannot write ${path}`, (error as Error).message)
    }
  }
  const fd = attempt(() => openSync(path, 'w'))
  return {
    write: async (bytes) => attempt(() => writeFileSync(fd, bytes)),
    close: () => closeSync(fd),
  }
}
