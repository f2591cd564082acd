import { CST, Lexer } from 'yaml'

/** Whatever is no value: spaces, line breaks, comments, indicators, anchors, tags. */
export interface Mark {
  readonly type: string
  readonly source: string
}
export type Trivia = readonly Mark[] | undefined

/** The tokens after a value: its comment, and comments in lines below. */
export const after = (token: CST.Token | null | undefined): Trivia =>
  token && 'end' in token ? (token.type === 'flow-collection' ? token.end.slice(1) : token.end) : undefined

/** Without the spaces and tabs at the end; other kinds of spaces are content to YAML. */
export const trimmed = (text: string): string => text.replace(/[ \t]+$/, '')

/** Whether it is an anchor or a tag. */
export const isProperty = ({ type }: Mark): boolean => type === 'anchor' || type === 'tag'

/** Where the colon of an entry is among the tokens between its key and its value; -1 when there is none. */
export const colonOf = ({ sep }: Pick<CST.CollectionItem, 'sep'>): number =>
  sep?.findIndex(({ type }) => type === 'map-value-ind') ?? -1

/** The anchors, tags and question marks among these tokens. */
export const words = (tokens: Trivia): string =>
  (tokens ?? [])
    .filter(({ type }) => ['anchor', 'tag', 'explicit-key-ind'].includes(type))
    .map(({ source }) => source)
    .join(' ')

/** A collection in brackets in one line; undefined when a comment or a text in lines does not allow it. */
export function flatFlow(token: CST.FlowCollection): string | undefined {
  const items: string[] = []
  for (const { start, key, sep, value } of token.items) {
    const around = [start, sep, after(key), after(value)].flatMap((tokens) => tokens ?? [])
    if (around.some(({ type }) => type === 'comment')) return undefined
    if (!key && !value && !sep) continue
    const parts = [key, value].map((part) => (part ? flatToken(part) : ''))
    if (parts.includes(undefined)) return undefined
    const [left = '', right = ''] = parts
    const colon = colonOf({ ...(sep && { sep }) }) >= 0 ? ':' : ''
    const item = [words(start), `${left}${colon}`, words(sep), right].filter(Boolean).join(' ')
    // A colon without a value keeps a space: not every parser reads `a:,`.
    items.push(right === '' && colon ? `${item} ` : item)
  }
  const close = token.end[0]?.source ?? ''
  if (items.length === 0) return `${token.start.source}${close}`
  const pad = token.start.source === '{' ? ' ' : ''
  const text = items.join(', ')
  return `${token.start.source}${pad}${pad ? text.trimEnd() : text}${pad}${close}`
}

function flatToken(token: CST.Token): string | undefined {
  if (token.type === 'flow-collection') return flatFlow(token)
  if (token.type !== 'alias' && (!CST.isScalar(token) || token.type === 'block-scalar')) return undefined
  const lines = scalarLines(token)
  return lines.length === 1 ? lines[0] : undefined
}

/** The lines of a scalar as they are written, without indentation; apostrophes around it become quotes where nothing else changes. */
export function scalarLines({ type, source }: CST.FlowScalar): string[] {
  if (type === 'single-quoted-scalar') {
    const inner = source.slice(1, -1).replaceAll("''", "'")
    if (!/["\\\n\t]/.test(inner)) return [`"${inner}"`]
  }
  return source.split('\n').map((line, i, all) => {
    const from = i === 0 ? line : line.replace(/^[ \t]+/, '')
    return i === all.length - 1 || type === 'double-quoted-scalar' ? from : trimmed(from)
  })
}

/** The comments of a text, in order. */
export function commentsOf(text: string): string[] {
  const comments: string[] = []
  if (!text.includes('#')) return comments
  let before = ''
  for (const lexeme of new Lexer().lex(text)) {
    if (lexeme.startsWith('#') && before !== CST.SCALAR) comments.push(trimmed(lexeme))
    before = lexeme
  }
  return comments
}
