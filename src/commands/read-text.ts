import { isUtf8 } from 'node:buffer'
import { readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { LARGEST, parseYaml } from '../language/yaml/source.ts'
import { UserError } from '../model/diagnostic.ts'

/**
 * The text of a file that a lab file names, relative to the lab's folder. Throws an Error if it cannot be read or is larger than a lab file
 * may be, and a UserError if it is not UTF-8.
 */
export function textBeside(folder: string, path: string): string {
  const full = resolve(folder, path)
  const stat = statSync(full)
  if (!stat.isFile()) throw new Error(stat.isDirectory() ? 'it is a directory' : 'it is no file')
  if (stat.size > LARGEST) throw new Error('the file is larger than 16 MiB')
  return textOf(join(folder, path), readFileSync(full))
}

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
  const snippet = parseYaml(file, text).snippet(position)
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
