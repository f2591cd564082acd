/** How deep collections may be nested here. */
const DEEPEST = 100
/** The longest key here, in characters: YAML looks for the colon of a key no further than 1024. */
const LONGEST_KEY = 1000

/** Thrown when the text needs the parser that knows all of YAML. */
class NotPlain extends Error {}

const constants = new Map<string, unknown>([
  ...['', '~', 'null', 'Null', 'NULL'].map((text) => [text, null] as const),
  ...['true', 'True', 'TRUE'].map((text) => [text, true] as const),
  ...['false', 'False', 'FALSE'].map((text) => [text, false] as const),
])
/** Tabs, carriage returns and other control characters, what may end a line, and what marks the start and the end of documents. */
const UNUSUAL = /[\0-\x09\x0b-\x1f\x7f\x85\u2028\u2029\ufeff]|^([^#\n]*---|\.\.\.|%)/m
/** Characters that a plain scalar does not begin with. */
const INDICATORS = new Set(',[]{}#&*!|>\'"%@`')
const FLOW = new Set(',[]{}')
/** Before what ends a plain scalar: a colon, a comment, the end of the line, and within brackets their signs. */
const END = /(?=:(?:[ \n]|$)|(?<= )#|\n)/g
const END_IN_FLOW = /(?=:(?:[ \n,[\]{}]|$)|(?<= )#|[\n,[\]{}])/g

/**
 * The value of a YAML text without anchors, aliases, tags, merge keys, documents, numbers in unusual forms and texts over several
 * lines that are not simply joined, as most labs are. It takes a twentieth of the time of the parser that also says where everything is.
 * Undefined when the text has any of those in it, or anything that is wrong: whatever is not certain here is left to that parser.
 */
export function parsePlain(text: string): { readonly value: unknown } | undefined {
  const start = text.startsWith('---\n') ? 4 : 0
  if (UNUSUAL.test(start ? text.slice(start) : text)) return undefined
  try {
    return { value: document(text, start) }
  } catch (error) {
    if (error instanceof NotPlain) return undefined
    throw error
  }
}

function document(text: string, start: number): unknown {
  const end = text.length
  let pos = start
  /** Where the line begins in which `pos` is. */
  let line = start

  const fail = (): never => {
    throw new NotPlain()
  }
  const isBreak = (at: number): boolean => at >= end || text[at] === '\n'
  const isBlank = (at: number): boolean => isBreak(at) || text[at] === ' '

  /** Goes to the next thing that is written, over spaces, comments and ends of lines; returns its column, -1 at the end. */
  function next(): number {
    for (;;) {
      while (text[pos] === ' ') pos++
      if (text[pos] === '#' && (pos === line || text[pos - 1] === ' ')) {
        pos = text.indexOf('\n', pos)
        if (pos < 0) pos = end
      }
      if (pos >= end) return -1
      if (text[pos] !== '\n') return pos - line
      line = ++pos
    }
  }

  /** Goes to the end of a line that has nothing more but a comment, and on to the next thing that is written. */
  function nextLine(): number {
    const before = line
    const column = next()
    return column >= 0 && line === before ? fail() : column
  }

  /** Whether an item of a sequence begins here. */
  const isItem = (): boolean => text[pos] === '-' && isBlank(pos + 1)

  /** A value that begins here; what belongs to it is further to the right than `parent`. */
  function block(parent: number, depth: number): unknown {
    if (depth > DEEPEST) fail()
    const column = pos - line
    if (isItem()) return sequence(column, depth)
    const key = keyHere()
    return key === undefined ? inline(parent, depth) : map(column, key, depth)
  }

  /** The key that is written here, with `pos` after its colon; undefined, with `pos` where it was, when it is none. */
  function keyHere(): string | undefined {
    const from = pos
    const first = text[pos]
    if (first === '[' || first === '{' || first === '|' || first === '>') return undefined
    const key = first === '"' || first === "'" ? quoted(first) : scalar(false)
    if (text[pos] === ':' && isBlank(pos + 1)) {
      pos++
      return checked(key)
    }
    pos = from
    return undefined
  }

  function checked(key: string): string {
    return key === '' || key === '<<' || key === '__proto__' || key.length > LONGEST_KEY ? fail() : key
  }

  function sequence(column: number, depth: number): unknown[] {
    const list: unknown[] = []
    for (let at = column; at === column && isItem();) {
      const here = line
      pos++
      const inner = next()
      const isEmpty = inner < 0 || (line !== here && inner <= column)
      list.push(isEmpty ? null : block(column, depth + 1))
      at = pos >= end ? -1 : pos - line
      if (at > column) fail()
    }
    return list
  }

  function map(column: number, first: string, depth: number): Record<string, unknown> {
    const result: Record<string, unknown> = {}
    for (let key: string | undefined = first; ;) {
      if (Object.hasOwn(result, key)) fail()
      const here = line
      const inner = next()
      if (inner >= 0 && line === here) result[key] = isItem() ? fail() : inline(column, depth + 1)
      else if (inner > column || (inner === column && isItem())) result[key] = block(column, depth + 1)
      else result[key] = null
      const at = pos >= end ? -1 : pos - line
      if (at > column) fail()
      if (at < column) return result
      if (isItem()) return result
      key = keyHere() ?? fail()
    }
  }

  /** A value that is no block collection; then goes on to what is written below. */
  function inline(parent: number, depth: number): unknown {
    const first = text[pos] ?? ''
    let value: unknown
    if (first === '|' || first === '>') return lines(parent)
    if (first === '[' || first === '{') value = flow(parent, depth)
    else if (first === '"' || first === "'") value = quoted(first)
    else {
      const words = [scalar(false)]
      if (text[pos] === ':') fail()
      // What is further to the right goes on with the text, unless a comment is in between.
      for (let from = pos; ; from = pos) {
        const before = line
        const column = next()
        if (column < 0 || column <= parent) break
        if (line === before || text.slice(from, pos).trimStart() !== '' || text.slice(from, pos).split('\n').length > 2)
          fail()
        if (isItem()) fail()
        words.push(scalar(false, true))
        if (text[pos] === ':') fail()
      }
      return words.length > 1 ? words.join(' ') : meaning(words[0] ?? '')
    }
    nextLine()
    return value
  }

  /** A plain scalar, as it is written; within brackets, `inFlow`, also their signs end it. */
  function scalar(inFlow: boolean, isMore = false): string {
    const from = pos
    const first = text[pos] ?? ''
    if (!isMore || inFlow) {
      if (INDICATORS.has(first)) fail()
      if ('-?:'.includes(first) && (isBlank(pos + 1) || (inFlow && FLOW.has(text[pos + 1] ?? '')))) fail()
    } else if (first === '#') fail()
    const sign = inFlow ? END_IN_FLOW : END
    sign.lastIndex = pos
    pos = sign.test(text) ? sign.lastIndex : end
    if (text[pos] !== ':') while (pos > from && text[pos - 1] === ' ') pos--
    else if (text[pos - 1] === ' ') fail()
    return text.slice(from, pos)
  }

  function quoted(quote: string): string {
    let close = text.indexOf(quote, pos + 1)
    if (quote === "'") while (close >= 0 && text[close + 1] === quote) close = text.indexOf(quote, close + 2)
    else while (close >= 0 && isEscaped(close)) close = text.indexOf(quote, close + 1)
    if (close < 0) fail()
    const inside = text.slice(pos + 1, close)
    if (inside.includes('\n')) fail()
    pos = close + 1
    if (quote === "'") return inside.replaceAll("''", "'")
    if (!inside.includes('\\')) return inside
    try {
      return JSON.parse(`"${inside}"`) as string // what JSON knows of escapes, YAML has from there
    } catch {
      return fail()
    }
  }

  function isEscaped(at: number): boolean {
    let count = 0
    while (text[at - 1 - count] === '\\') count++
    return count % 2 === 1
  }

  /** A collection in brackets; the lines that it takes are further to the right than `parent`. */
  function flow(parent: number, depth: number): unknown {
    if (depth > DEEPEST) fail()
    const isMap = text[pos] === '{'
    const close = isMap ? '}' : ']'
    const list: unknown[] = []
    const entries: Record<string, unknown> = {}
    const inside = (): string => (pos++, here())
    /** The next sign. */
    const here = (): string => (next() <= parent ? fail() : (text[pos] ?? ''))
    for (let sign = inside(); sign !== close; sign = sign === ',' ? inside() : fail()) {
      if (!isMap) list.push(flowValue())
      else {
        const key = checked(sign === '"' || sign === "'" ? quoted(sign) : scalar(true))
        if (text[pos] !== ':' || Object.hasOwn(entries, key)) fail()
        const after = text[pos + 1] ?? ''
        if (!isBlank(pos + 1) && !FLOW.has(after)) fail()
        const before = line
        const first = inside()
        if (line !== before) fail()
        entries[key] = first === ',' || first === close ? null : flowValue()
      }
      sign = here()
      if (sign === close) break
    }
    pos++
    return isMap ? entries : list

    function flowValue(): unknown {
      const first = text[pos] ?? ''
      const value =
        first === '[' || first === '{'
          ? flow(parent, depth + 1)
          : first === '"' || first === "'"
            ? quoted(first)
            : meaning(scalar(true))
      if (text[pos] === ':') fail()
      return value
    }
  }

  /** A text in lines of its own, as they are (`|`) or joined (`>`); then goes on to what is written below. */
  function lines(parent: number): string {
    const [header = '', style, chomp] = /^([|>])(-?) *(?=\n)/.exec(text.slice(pos, pos + 80)) ?? fail()
    let at = pos + header.length + 1
    const indent = text.slice(at).search(/[^ ]/)
    if (indent <= Math.max(parent, 0) || text[at + indent] === '\n' || !text.endsWith('\n')) fail()
    const found: string[] = []
    let blank = 0
    for (; at < end; at = text.indexOf('\n', at) + 1) {
      const whole = text.slice(at, text.indexOf('\n', at))
      const own = whole.search(/[^ ]/)
      if (own < 0 && whole.length <= indent) blank++
      else if (own < 0 || (own < indent && own > parent)) fail()
      else if (own < indent) break
      else {
        if (style === '>' && (blank > 0 || own > indent)) fail()
        for (; blank > 0; blank--) found.push('')
        found.push(whole.slice(indent))
      }
    }
    line = pos = at
    next()
    return found.join(style === '|' ? '\n' : ' ') + (chomp ? '' : '\n')
  }

  const column = next()
  if (column < 0) fail()
  const value = block(-1, 0)
  return pos < end ? fail() : value
}

/** What a plain scalar stands for. */
function meaning(content: string): unknown {
  if (content.length <= 5 && constants.has(content)) return constants.get(content)
  if (!/^[-+]?\.?([0-9]|inf|nan)/i.test(content)) return content
  if (/^(0|-?[1-9][0-9]{0,14})$/.test(content)) return Number(content)
  if (/^[-+]?(0[ox][0-9a-f]+|[0-9]+|(\.[0-9]+|[0-9]+(\.[0-9]*)?)(e[-+]?[0-9]+)?)$|^[-+]?\.(inf|nan)$/i.test(content))
    throw new NotPlain()
  return content
}
