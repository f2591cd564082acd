import { dirname, isAbsolute, join, relative } from 'node:path'
import type { Diagnostic, Position } from '../../model/diagnostic.ts'
import type { Origin, Path, Source } from './source.ts'

/** The file in which the value at the path is written, and the path there. */
export const originOf = (source: Source, path: Path): Origin => source.origin?.(path) ?? { source, path }

/** The lines around a position, for a diagnostic; nothing when it is in no file of the lab. */
export function quoted(source: Source, position: Position): Pick<Diagnostic, 'snippet'> {
  const part = (source.parts ?? [source]).find(({ file }) => file === position.file)
  return part ? { snippet: part.snippet(position) } : {}
}

/** A diagnostic at a position, with the lines around it. */
export const diagnosticAt = (
  source: Source,
  position: Position,
  rest: Omit<Diagnostic, 'position' | 'snippet'>,
): Diagnostic => ({ ...rest, position, ...quoted(source, position) })

/** The name, relative to the folder of the lab file, of a file that is named at the path: relative to the file around it. */
export function besideLab(source: Source, path: Path, name: string): string {
  const { file } = originOf(source, path).source
  return file === source.file || isAbsolute(name) ? name : join(relative(dirname(source.file), dirname(file)), name)
}
