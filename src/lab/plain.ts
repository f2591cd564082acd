/** The text is not written in the plain part of YAML. */
class NotPlain extends Error {}

/** A line that says something: where it begins and ends, and how far it is indented. */
interface Line {
  indent: number
  at: number
  readonly end: number
}

/** How deep collections may be nested here. */
const DEEPEST = 40

/** A plain scalar, in a block to the end of the line, and in a flow collection; a quoted one without escapes. */
const BLOCK = /(?:[A-Za-z0-9/_$(]|-(?=[A-Za-z]))(?:[^:#\s]|:(?!\s|$)| +(?=[^:#\s])|(?<! )#)*/my
const FLOW = /(?:[A-Za-z0-9/_$(]|-(?=[A-Za-z]))(?:[^,[\]{}:#\s]|:(?![\s,[\]{}]|$)| +(?=[^,[\]{}:#\s]))*/my
const QUOTED = /"([^"\\\n]*)"|'([^'\n]*)'(?!')/y
/** What ends a key, and what may follow a value. */
const COLON = / *:(?= |$)/my
const REST = / *(?:$| #.*$)/my
const SPACES = / */y

/** What a plain scalar means in YAML's core schema; other forms of numbers are left to the parser that knows them. */
const NUMBER = /^(?:0|[1-9]\d{0,14})$/
const NUMERIC = /^(?:\d+(?:\.\d*)?(?:e[-+]?\d*)?|0x[\da-f]*|0o[0-7]*)$/i
const words: Readonly<Record<string, unknown>> = {
  ...{ null: null, Null: null, NULL: null, true: true, True: true, TRUE: true },
  ...{ false: false, False: false, FALSE: false },
}
function meaning(text: string): unknown {
  if (Object.hasOwn(words, text)) return words[text]
  if (NUMBER.test(text)) return Number(text)
  if (NUMERIC.test(text)) throw new NotPlain()
  return text
}

/**
 * The value of a text in the plain part of YAML that most labs, and all large ones, are written in: block collections,
 * flow collections within a line, scalars within a line. It takes a tenth of the time of a parser that knows all of YAML
 * and where everything is. Undefined when the text has anything else in it, or anything that is wrong.
 */
export function parsePlain(text: string): { readonly value: unknown } | undefined {
  // Tabs and other line ends have rules of their own.
  if (/[\t\r\u0085\u2028\u2029\ufeff]/.test(text)) return undefined
  const lines = linesOf(text)
  let next = 0
  try {
    const value = mapping(0, 0)
    return next === lines.length ? { value } : undefined
  } catch (error) {
    if (error instanceof NotPlain) return undefined
    throw error
  }

  function match(pattern: RegExp, at: number): RegExpExecArray | undefined {
    pattern.lastIndex = at
    return pattern.exec(text) ?? undefined
  }
  function skip(pattern: RegExp, at: number): number {
    pattern.lastIndex = at
    if (!pattern.test(text)) throw new NotPlain()
    return pattern.lastIndex
  }

  /** A quoted or plain scalar as it is written: its text, where it ends, whether it is quoted. */
  function scalar(plain: RegExp, at: number): { text: string; end: number; quoted: boolean } {
    const quoted = match(QUOTED, at)
    if (quoted) return { text: quoted[1] ?? quoted[2] ?? '', end: QUOTED.lastIndex, quoted: true }
    return { text: text.slice(at, skip(plain, at)), end: plain.lastIndex, quoted: false }
  }

  function put(into: Record<string, unknown>, key: string, value: unknown): void {
    if (Object.hasOwn(into, key) || key === '__proto__') throw new NotPlain()
    into[key] = value
  }

  function dashed({ at, end }: Line): boolean {
    return text[at] === '-' && (at + 1 === end || text[at + 1] === ' ')
  }

  function mapping(indent: number, depth: number): Record<string, unknown> {
    if (depth > DEEPEST) throw new NotPlain()
    const result: Record<string, unknown> = {}
    let line = lines[next]
    if (line?.indent !== indent) throw new NotPlain()
    for (; line?.indent === indent && !dashed(line); line = lines[next]) {
      const key = scalar(BLOCK, line.at)
      const colon = skip(COLON, key.end)
      put(result, key.text, below(indent, colon, depth, true))
    }
    if (line && line.indent > indent) throw new NotPlain()
    return result
  }

  function sequence(indent: number, depth: number): unknown[] {
    if (depth > DEEPEST) throw new NotPlain()
    const result: unknown[] = []
    let line = lines[next]
    for (; line?.indent === indent && dashed(line); line = lines[next]) {
      const at = skip(SPACES, line.at + 1)
      const key = at < line.end && text[at] !== '{' && text[at] !== '[' ? keyEnd(at) : undefined
      if (key === undefined) {
        result.push(below(indent, line.at + 1, depth, false))
        continue
      }
      // A map that begins behind the dash: the dash is part of its indentation.
      line.indent += at - line.at
      line.at = at
      result.push(mapping(line.indent, depth + 1))
    }
    if (line && line.indent > indent) throw new NotPlain()
    return result
  }

  /** Where a key ends, if there is one. */
  function keyEnd(at: number): number | undefined {
    if (text[at] === '#') return undefined
    const { end } = scalar(BLOCK, at)
    return match(COLON, end) && end
  }

  /** What follows a colon or a dash: on its line, or in the lines below. */
  function below(indent: number, at: number, depth: number, inMap: boolean): unknown {
    next++
    const start = skip(SPACES, at)
    const after = lines[next]
    if (match(REST, at)) {
      if (!after || after.indent < indent) return null
      if (after.indent === indent) return inMap && dashed(after) ? sequence(indent, depth + 1) : null
      return dashed(after) ? sequence(after.indent, depth + 1) : mapping(after.indent, depth + 1)
    }
    // A scalar may go on in lines that are indented more.
    if (after && after.indent > indent) throw new NotPlain()
    const [value, end] = item(BLOCK, start, depth)
    skip(REST, end)
    return value
  }

  function item(plain: RegExp, at: number, depth: number): [value: unknown, end: number] {
    if (text[at] === '{' || text[at] === '[') return flow(at, depth + 1)
    const found = scalar(plain, at)
    return [found.quoted ? found.text : meaning(found.text), found.end]
  }

  /** `{ a: 1, b: [2, 3] }` */
  function flow(from: number, depth: number): [value: unknown, end: number] {
    if (depth > DEEPEST) throw new NotPlain()
    const isMap = text[from] === '{'
    const close = isMap ? '}' : ']'
    const map: Record<string, unknown> = {}
    const list: unknown[] = []
    let at = skip(SPACES, from + 1)
    while (text[at] !== close) {
      if (isMap) {
        const key = scalar(FLOW, at)
        at = skip(SPACES, key.end)
        let value: unknown = null
        if (text[at] === ':') {
          if (text[at + 1] !== ' ') throw new NotPlain()
          at = skip(SPACES, at + 1)
          if (text[at] !== ',' && text[at] !== close) [value, at] = item(FLOW, at, depth)
        }
        put(map, key.text, value)
      } else {
        const [value, end] = item(FLOW, at, depth)
        list.push(value)
        at = end
      }
      at = skip(SPACES, at)
      if (text[at] === ',') at = skip(SPACES, at + 1)
      else if (text[at] !== close) throw new NotPlain()
    }
    return [isMap ? map : list, at + 1]
  }
}

/** The lines that are neither empty nor comments. */
function linesOf(text: string): Line[] {
  const lines: Line[] = []
  for (let from = 0; from < text.length;) {
    const newline = text.indexOf('\n', from)
    const end = newline < 0 ? text.length : newline
    let at = from
    while (at < end && text[at] === ' ') at++
    if (at < end && text[at] !== '#') lines.push({ indent: at - from, at, end })
    from = end + 1
  }
  return lines
}
