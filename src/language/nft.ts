import { dirname, isAbsolute, join, normalize } from 'node:path'
import { bare } from '../firewall/division.ts'
import { TRACE_TABLE } from '../model/tables.ts'
import type { NftFile } from './lab-file.ts'
import type { Path } from './yaml/source.ts'

/** Reads the files that a rule set includes, relative to the lab file. */
export interface Beside {
  /** Reads a file. Throws as `readFileSync` does. */
  readonly read: (path: string) => string
  /** The name, relative to the lab file, of a file that the rule set names. */
  readonly named: (path: string) => string
  /** The files that match a pattern of a shell (`*`, `?`, `[…]`), sorted. */
  readonly list: (pattern: string) => readonly string[]
}

/** Where a line of a rule set is written: in the field, at a path within it, or in a file beside the lab. */
export interface Origin {
  readonly path: Path
  readonly file?: string
  /** One-based. */
  readonly line: number
  /** How many characters precede it there. */
  readonly shift: number
}

/** An error or warning about a place in a rule set. */
export interface Remark extends Origin {
  readonly severity: 'error' | 'warning'
  readonly summary: string
  readonly detail: string
  readonly length?: number
}

/** The rule set of an `nftables` field as one text, with its includes, the origin of each line, and errors and warnings. */
export interface NftText {
  readonly text: string
  /** One for every line of the text. */
  readonly origins: readonly Origin[]
  readonly remarks: readonly Remark[]
}

/** The deepest nesting of includes, as in nftables (MAX_INCLUDE_DEPTH). Deeper nesting is taken for a circle. */
const DEPTH = 16

/** Reads the value of an `nftables` field, which has passed the schema. */
export function readNft(value: NftFile, beside: Beside): NftText {
  const lines: string[] = []
  const origins: Origin[] = []
  const remarks: Remark[] = []

  /** Includes a file; `at` is where it is named. */
  function take(file: string, at: Origin, length: number, depth: number): void {
    const remark = (severity: Remark['severity'], summary: string, detail: string): void =>
      void remarks.push({ ...at, severity, summary, detail, length })
    const patterned = /[*?[]/.test(file)
    if (isOutside(file))
      remark(
        'warning',
        `${file} is outside the lab's folder`,
        'On another machine the file may have other content, or not exist.',
      )
    for (const path of patterned ? beside.list(file) : [file]) {
      let text: string
      try {
        text = beside.read(path)
      } catch (error) {
        remark('error', `cannot read ${path}`, (error as Error).message)
        continue
      }
      if (depth > DEPTH) return remark('error', `${path} includes itself`, 'The files include each other in a circle.')
      add(text, { path: at.path, file: path }, depth)
    }
  }

  /** Adds a text, in which `include "FILE"` is replaced by the contents of the file. */
  function add(text: string, of: Pick<Origin, 'path' | 'file'>, depth: number): void {
    const at = (offset: number): Origin => {
      const before = text.slice(0, offset).split('\n')
      return { ...of, line: before.length, shift: before.at(-1)!.length }
    }
    const copy = (from: number, to: number): void => {
      const { line, shift } = at(from)
      for (const [i, one] of text.slice(from, to).split('\n').entries()) {
        lines.push(one)
        origins.push({ ...of, line: line + i, shift: i === 0 ? shift : 0 })
      }
    }
    let from = 0
    for (const match of bare(text).matchAll(/(?:^|[\n;{}])\s*include\b/g)) {
      const begin = match.index + match[0].length - 'include'.length
      const named = /^include\s*"([^"\n]+)"[ \t]*;?/.exec(text.slice(begin))
      copy(from, begin)
      from = begin + (named?.[0].length ?? 'include'.length)
      if (named) {
        const start = begin + named[0].indexOf('"')
        take(
          of.file === undefined || isAbsolute(named[1]!) ? beside.named(named[1]!) : join(dirname(of.file), named[1]!),
          at(start),
          named[1]!.length + 2,
          depth + 1,
        )
      } else
        remarks.push({
          ...at(begin),
          severity: 'error',
          summary: 'include needs a file in double quotes',
          detail: 'include "rules.nft"',
          length: 'include'.length,
        })
    }
    copy(from, text.length)
  }

  const single = typeof value === 'string' || 'file' in value
  for (const [index, part] of (single ? [value] : value).entries()) {
    const path = single ? [] : [index]
    if (typeof part !== 'string')
      take(beside.named(part.file), { path: [...path, 'file'], line: 1, shift: 0 }, part.file.length, 1)
    else if (/^\s*[\w./~-]+\s*$/.test(part))
      remarks.push({
        ...{ path, line: 1, shift: 0, severity: 'error', summary: `"${part.trim()}" is not a rule set` },
        detail: `To read a file: nftables: { file: ${part.trim()} }`,
      })
    else add(part, { path }, 0)
  }
  const text = lines.join('\n')
  remarks.push(...emptied(text, origins), ...taken(text, origins))
  return { text, origins, remarks }
}

/** Warns of each `flush ruleset` below a table. At the start it is usual, in files that nft loads on their own. */
function emptied(text: string, origins: readonly Origin[]): Remark[] {
  const words = bare(text)
  const first = words.search(/\btable\b/)
  return [...words.matchAll(/\bflush\s+ruleset\b/g)].flatMap(({ index, 0: { length } }) => {
    if (first < 0 || index < first) return []
    return {
      ...{ ...originOf(index, text, origins), length, severity: 'warning' },
      summary: 'flush ruleset removes the tables above it',
      detail:
        'Those tables do not become part of the lab. Leave this line out: netlab removes all tables that the lab does not declare anyway.',
    }
  })
}

/** Errors for tables with the names of those that `netlab trace` and faults make: no plan sees them. */
function taken(text: string, origins: readonly Origin[]): Remark[] {
  const names = new RegExp(`\\btable\\s+(?:\\w+\\s+)?(${TRACE_TABLE}|netlab_fault_[0-9a-f]{8})(?![\\w./-])`, 'dg')
  return [...bare(text).matchAll(names)].map(({ indices, 1: name = '' }) => ({
    ...{ ...originOf(indices?.[1]?.[0] ?? 0, text, origins), length: name.length, severity: 'error' },
    summary: `netlab itself makes tables called ${name}`,
    detail: 'Give the table another name.',
  }))
}

function originOf(index: number, text: string, origins: readonly Origin[]): Origin {
  const before = text.slice(0, index).split('\n')
  const origin = origins[before.length - 1] as Origin
  return { ...origin, shift: origin.shift + before.at(-1)!.length }
}

const isOutside = (path: string): boolean => isAbsolute(path) || normalize(path).startsWith('..')
