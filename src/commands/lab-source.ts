import { dirname, relative, resolve } from 'node:path'
import { UserError } from '../model/diagnostic.ts'
import type { Source } from '../session/protocol.ts'
import { besideIn, disk } from './beside.ts'
import { filesOfRevision, revisionIn } from './git-files.ts'
import { besideRecorded, keyFileIn, locate, valuesOf, type LocatedFile, type LocateOptions } from './locate.ts'
import { textOf } from './own-files.ts'

/**
 * Finds a lab file, as `locate` does, or in a revision of git (`REV:FILE`), for a process in a copy. Throws a UserError when
 * there is none.
 */
export function sourceOf(argument: string | undefined, options: LocateOptions): Source {
  const found = argument === undefined || disk.kind(argument) ? undefined : revisionIn(argument)
  if (found) {
    const files = filesOfRevision(found)
    const file = relative('.', files.file)
    const text = textOf(file, files.read(files.file).bytes)
    return { file, text, set: Object.fromEntries(valuesOf(options.set ?? [])), revision: found.typed }
  }
  const located = locate(argument, options)
  if ('name' in located)
    throw UserError.of(
      'no-lab-file',
      `there is no lab file ${argument}`,
      'A copy is made of a lab file: name the file.',
    )
  const { file, text, set, saved } = located
  return { file, text, set: Object.fromEntries(set ?? []), ...(saved && { beside: saved.beside }) }
}

/** The lab file, with the ways to what it names; `named` are the paths of the files that were read. */
export function openSource({ file, text, set, revision, beside: saved }: Source): {
  readonly located: LocatedFile
  readonly named: ReadonlySet<string>
} {
  const folder = file === '-' ? '.' : dirname(file)
  const found = revision === undefined ? undefined : revisionIn(revision)
  const files = saved ? besideRecorded(saved) : besideIn(found ? filesOfRevision(found) : disk, folder)
  const named = new Set([file])
  const noting =
    <T>(read: (path: string) => T) =>
    (path: string): T => {
      named.add(resolve(folder, path))
      return read(path)
    }
  const located = {
    ...files,
    beside: noting(files.beside),
    fileBeside: noting(files.fileBeside),
    ...{ file, text, keyFile: keyFileIn(folder), set: new Map(Object.entries(set)) },
  }
  return { located, named }
}
