/** A word of a rule, and where it starts in the text. */
export interface Word {
  readonly text: string
  readonly at: number
}

/** An error in the text of a rule; `at` and `length` are its place. */
export interface Complaint {
  readonly summary: string
  readonly detail?: string
  readonly at?: number
  readonly length?: number
}

/** Characters that mean something to a shell when unquoted: a rule must be the words of one command. */
const shells = new Set(';|&<>()$`')
const plain = /^[A-Za-z0-9_@%+=:,./~^!-]+$/

/**
 * Splits a rule as a shell does (`shell`), or as iptables-restore does (`save`): there only double quotes quote, a
 * backslash within them keeps the next character, and the second quote ends the word.
 */
export function split(text: string, dialect: 'shell' | 'save'): Word[] | Complaint {
  const bad = /[\n\r\0]/.exec(text)
  if (bad) return { summary: 'a rule is one line', detail: 'It contains a line break or a NUL.', at: bad.index }
  const words: Word[] = []
  let word: { text: string; at: number } | undefined
  let quote: { mark: string; at: number } | undefined
  for (let i = 0; i < text.length; i++) {
    const c = text[i] as string
    if (quote) {
      const next = text[i + 1]
      const escapes = quote.mark === '"' && c === '\\' && next !== undefined
      if (c === quote.mark) {
        quote = undefined
        if (dialect === 'save') {
          words.push(word!)
          word = undefined
        }
      } else if (escapes && (dialect === 'save' || '"\\$`'.includes(next))) word!.text += text[++i]
      else word!.text += c
    } else if (c === ' ' || c === '\t') {
      if (word) words.push(word)
      word = undefined
    } else if (c === '"' || (c === "'" && dialect === 'shell')) {
      word ??= { text: '', at: i }
      quote = { mark: c, at: i }
    } else if (dialect === 'shell' && c === '\\' && i + 1 < text.length) {
      word ??= { text: '', at: i }
      word.text += text[++i]
    } else if (dialect === 'shell' && (shells.has(c) || (c === '#' && !word))) {
      return { summary: `"${c}" is not part of a rule`, detail: 'Put it in quotes if it is meant.', at: i, length: 1 }
    } else {
      word ??= { text: '', at: i }
      word.text += c
    }
  }
  if (quote) return { summary: 'a quote is not closed', at: quote.at, length: 1 }
  if (word) words.push(word)
  return words
}

/** A word as iptables-restore reads it. */
const restorable = (word: string): string => (plain.test(word) ? word : `"${word.replaceAll(/["\\]/g, '\\$&')}"`)

/** Words as one line of iptables-restore. */
export const joined = (words: readonly string[]): string => words.map(restorable).join(' ')

/** The words of a rule in iptables-restore's form that follow one of these options. */
function valuesOf(rule: string, option: RegExp): Word[] {
  const words = split(rule, 'save')
  return 'summary' in words ? [] : words.filter((_, i) => option.test(words[i - 1]?.text ?? ''))
}

/** The sets of ipset that a rule in iptables-restore's words names (iptables-extensions(8), set and SET). */
export const setsOf = (rule: string): string[] =>
  rule.includes('-set') ? valuesOf(rule, /^--(match|add|del|map)-set$/).map(({ text }) => text) : []

/** The sets to which such a rule adds entries, or from which it deletes them. */
export const setsFilledBy = (rule: string): string[] =>
  rule.includes('-set') ? valuesOf(rule, /^--(add|del)-set$/).map(({ text }) => text) : []

/** The chain or target that a rule in iptables-restore's words jumps to. */
export const targetOf = (rule: string): string | undefined => valuesOf(rule, /^(-[jg]|--(jump|goto))$/)[0]?.text

/** Options, by their letter, that are commands of iptables and no part of a rule. */
const commands: Readonly<Record<string, string>> = {
  A: 'append', C: 'check', D: 'delete', R: 'replace', I: 'insert', L: 'list', S: 'list-rules', F: 'flush', Z: 'zero',
  N: 'new-chain', X: 'delete-chain', P: 'policy', E: 'rename-chain', t: 'table', w: 'wait', W: 'wait-interval',
  M: 'modprobe', V: 'version', n: 'numeric', v: 'verbose', x: 'exact', c: 'set-counters', h: 'help', 4: 'ipv4', 6: 'ipv6',
} // prettier-ignore
const longs = [...Object.values(commands), 'line-numbers']

/** Options of matches that abbreviate one of the above: `-m recent --set`, `-m policy --pol`. */
const innocent = new Set(['--set', '--pol'])

/** Options whose value is free text, which may look like an option. */
const free = new Set(['--comment', '--log-prefix', '--nflog-prefix', '--string', '--hex-string'])

/** The longest comment, in bytes: the kernel silently cuts longer ones. */
const COMMENT = 255

/** The error in words that `iptables -A CHAIN` would not accept, or would silently cut; undefined when there is none. */
export function refused(words: readonly Word[]): Complaint | undefined {
  for (const [index, { text, at }] of words.entries()) {
    const here = { at, length: Math.max(text.length, 1) }
    const before = words[index - 1]?.text
    if (before === '--comment' && Buffer.byteLength(text) > COMMENT)
      return {
        summary: `a comment has at most ${COMMENT} bytes`,
        detail: `This one has ${Buffer.byteLength(text)}.`,
        ...here,
      }
    if (before !== undefined && free.has(before)) continue
    if (index === 0 && (text.startsWith('*') || text === 'COMMIT' || text.startsWith(':')))
      return {
        summary: `"${text}" is a line of a dump, not a rule`,
        detail: 'Whole dumps go under `restore`.',
        ...here,
      }
    const name = text.startsWith('--') ? text.slice(2).split('=', 1)[0] : undefined
    const long = name && !innocent.has(text) ? longs.find((option) => option.startsWith(name)) : undefined
    const letter = /^-f?([A-Za-z0-9])/.exec(text)?.[1]
    const short = name === undefined && letter !== undefined && Object.hasOwn(commands, letter)
    if (long !== undefined || short)
      return {
        summary: `"${text}" is not part of a rule`,
        detail: 'A rule is what one types after `iptables -A CHAIN`: table, chain and position come from the lab file.',
        ...here,
      }
  }
  return undefined
}
