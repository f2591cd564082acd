import type { ErrorCode } from 'yaml'

/** What is wrong with a text that is not YAML, in a sentence of netlab's own, and where. */
export interface Slip {
  readonly summary: string
  readonly detail?: string
  readonly start: number
  readonly end: number
}

/** An error of the parser. */
export interface Problem {
  readonly code: ErrorCode
  readonly message: string
  readonly pos: readonly [start: number, end: number]
}

/** The place of a problem. */
export interface Spot extends Problem {
  readonly text: string
  /** The line that contains it, without its end, and where that line begins. */
  readonly line: string
  readonly begin: number
}

/** The problem with its line: that of this offset. */
export function spotAt(problem: Problem, text: string, offset: number): Spot {
  const begin = text.lastIndexOf('\n', offset - 1) + 1
  const end = text.indexOf('\n', offset)
  return { ...problem, text, begin, line: text.slice(begin, end < 0 ? undefined : end).replace(/\r$/, '') }
}

/** The range of the problem. */
export const whole = ({ pos: [start, end] }: Spot): Pick<Slip, 'start' | 'end'> => ({
  start,
  end: Math.max(end, start + 1),
})

/** A part of the line, from a column on; without a length up to its end. */
export const part = (
  { begin, line }: Spot,
  from: number,
  length = line.trimEnd().length - from,
): Pick<Slip, 'start' | 'end'> => ({
  start: begin + from,
  end: begin + from + length,
})

/** The text in quotes, as YAML takes it. */
export const inQuotes = (text: string): string => (text.includes('"') ? `'${text.replaceAll("'", "''")}'` : `"${text}"`)

/** The number of the line at an offset, from 1. */
export const lineOf = (text: string, offset: number): number => text.slice(0, offset).split('\n').length
