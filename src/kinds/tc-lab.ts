import { DISTRIBUTIONS } from '../model/qdisc-options.ts'
import type { LabContext } from '../model/kind.ts'
import type { TcSpec } from '../model/tc-spec.ts'
import { CLASSFUL, classId, majorOf } from './tc-text.ts'
import { splitWords } from './tc-words.ts'

type Mutable<T> = { -readonly [K in keyof T]: T[K] }
/** What is known when the words before the kind have been read. */
type Draft = Mutable<Partial<Omit<TcSpec, 'object' | 'dev'>>> & { readonly object: TcSpec['object'] }

const FILTERS = ['u32', 'flower', 'matchall', 'fw', 'basic']
const PROTOCOLS: Readonly<Record<string, string>> = { '802.1q': '802.1Q', '802.1ad': '802.1ad' }

/** The words of `tc` before the kind that take a value, for each object. */
const OPTIONS: Readonly<Record<TcSpec['object'], readonly string[]>> = {
  qdisc: ['parent', 'handle'],
  class: ['parent', 'classid'],
  filter: ['parent', 'handle', 'protocol', 'proto', 'pref', 'prio', 'preference', 'priority', 'chain'],
}

/**
 * What the entries of `qdiscs` ask for, each what follows `tc` on a command line, in their order; undefined for one with an error,
 * which is reported. Of a `text`, whose lines the entries are, some may be empty or comments, and errors quote the line.
 */
export function tcFromLab(
  entries: readonly string[],
  context: LabContext,
  isText = false,
): readonly (TcSpec | undefined)[] {
  const positions = new Map<string, string>()
  const counts = new Map<string, number>()
  return entries.map((line, i) => {
    if (isText && /^\s*(#|$)/.test(line)) return undefined
    const wrong = (summary: string, detail?: string): undefined =>
      void context.error('bad-tc', [i], isText ? `${line.trim()}: ${summary}` : summary, detail)
    const made = read(line, context.name, wrong)
    if (!made) return undefined
    const { object, kind = '', parent = '' } = made
    if (object === 'qdisc' && made.handle !== undefined) positions.set(made.handle, parent)
    const above = kind === 'ingress' || kind === 'clsact' || parent === 'root' ? undefined : aboveOf(parent, positions)
    if (object === 'filter') number(made, counts)
    return { ...made, kind, parent, words: made.words ?? [], dev: context.name, ...(above !== undefined && { above }) }
  })
}

/** The parent of the qdisc of a class or qdisc, from the handles so far. */
function aboveOf(parent: string, positions: ReadonlyMap<string, string>): string | undefined {
  if (parent !== 'ingress' && parent !== 'egress') return positions.get(majorOf(parent))
  return parent === 'egress' || positions.get('ffff:') === 'clsact' ? 'clsact' : 'ingress'
}

/** Gives a filter without a handle the one that the kernel would give it. */
function number(made: Draft, counts: Map<string, number>): void {
  const { parent, chain = 0, protocol, pref, kind, words = [] } = made
  const table = words[words.indexOf('ht') + 1] ?? ''
  const key = JSON.stringify([parent, chain, protocol, pref, kind, words.includes('ht') && table])
  const before = counts.get(key) ?? 0
  counts.set(key, before + 1)
  if (made.handle !== undefined) return
  const inTable = words.includes('ht') && Number.parseInt(table, 16) < 0x800 ? table : ':'
  made.handle =
    kind === 'u32'
      ? `${inTable}${inTable === ':' ? ':' : ''}${(0x800 + before).toString(16)}`
      : `0x${(before + 1).toString(16)}`
}

type Complain = (summary: string, detail?: string) => undefined

function read(line: string, dev: string, wrong: Complain): Draft | undefined {
  if (/["'][^"']*$/.test(line.replace(/"[^"]*"|'[^']*'/g, ''))) return wrong('a quote is not closed')
  const words = splitWords(line)
  const odd = words.find((word) => /[^ -~]|["'#\\]/.test(word))
  if (odd !== undefined)
    return wrong(`tc takes no ${JSON.stringify(odd)}`, 'Words are of printable ASCII without quotes, # and \\.')
  if (words[0] === 'tc') words.shift()
  const object = words.shift()
  if (object !== 'qdisc' && object !== 'class' && object !== 'filter')
    return wrong(
      `"${object ?? ''}" is not a qdisc, class or filter`,
      'Each entry is what follows tc: qdisc add root handle 1: htb default 20',
    )
  if (['add', 'replace', 'change'].includes(words[0] ?? '')) words.shift()
  const made: Draft = { object }
  const named = object === 'class' ? 'classid' : 'handle'
  for (;;) {
    const word = words.shift()
    if (word === undefined)
      return wrong(`the kind of the ${object} is missing`, 'It follows the words that say where it hangs.')
    if (word === 'dev') {
      const other = words.shift()
      if (other !== dev)
        return wrong(`this is ${dev}, not ${other ?? ''}`, 'Leave dev out: the entry belongs to its interface.')
    } else if (word === 'root' && object !== 'class') made.parent = 'root'
    else if ((word === 'ingress' || word === 'egress') && object === 'filter') made.parent = word
    else if (OPTIONS[object].includes(word)) {
      const value = words.shift() ?? ''
      if (!option(made, word === named ? 'handle' : word, value, wrong)) return undefined
    } else {
      made.kind = word
      made.words = words
      return checked(made, wrong)
    }
  }
}

/** Reads an option before the kind. */
function option(made: Draft, word: string, value: string, wrong: Complain): boolean {
  const number = /^\d+$/.test(value) ? Number(value) : undefined
  const id = classId(value)
  if (word === 'parent') {
    if (value.toLowerCase() === 'ffff:fff1') return true
    if (id === undefined)
      return !!wrong(`parent ${value} is not a handle`, 'Handles are hexadecimal numbers with a colon: 1: or 1:10.')
    made.parent = made.object === 'filter' && id === 'ffff:' ? 'ingress' : id
  } else if (word === 'handle' && made.object === 'filter') {
    const all = Number(value)
    made.handle = value.includes(':') ? value.toLowerCase() : Number.isInteger(all) ? `0x${all.toString(16)}` : value
  } else if (word === 'handle') {
    const given = id ?? classId(`${value}:`)
    if (given === undefined || given.endsWith(':') !== (made.object === 'qdisc'))
      return !!wrong(
        `"${value}" is not a ${made.object === 'qdisc' ? 'handle' : 'class id'}`,
        'A qdisc has a handle such as 1:, a class an id such as 1:10.',
      )
    made.handle = given
  } else if (word.startsWith('proto')) made.protocol = PROTOCOLS[value.toLowerCase()] ?? value.toLowerCase()
  else {
    if (number === undefined) return !!wrong(`${word} ${value} is not a number`)
    if (word === 'chain') {
      if (number > 0) made.chain = number
    } else made.pref = number
  }
  return true
}

/** The highest handle that is not one of those by which the qdiscs of `impairments` are known (src/kinds/queue.ts). */
export const HIGHEST = 0xfff

function checked(made: Draft, wrong: Complain): Draft | undefined {
  const { object, kind = '', words = [] } = made
  if (object === 'qdisc') {
    if (kind === 'ingress' || kind === 'clsact') {
      made.parent = kind
      made.handle = 'ffff:'
    }
    if (made.parent === undefined)
      return wrong('it is not said where the qdisc hangs', 'Write root, or parent and a class: parent 1:10')
    if (made.parent === 'root' && (made.handle === undefined || Number.parseInt(made.handle, 16) > HIGHEST))
      return wrong('the root qdisc needs a handle from 1: to fff:', 'qdisc root handle 1: htb')
    if (made.parent.endsWith(':'))
      return wrong(`parent ${made.parent} is a qdisc, not a class`, 'A qdisc hangs on a class: parent 1:10')
    const shape = words[words.indexOf('distribution') + 1] ?? ''
    if (words.includes('distribution') && !(DISTRIBUTIONS as readonly string[]).includes(shape))
      return wrong(`there is no distribution ${shape}`, `There are: ${DISTRIBUTIONS.join(', ')}.`)
  } else if (object === 'class') {
    if (!CLASSFUL.includes(kind))
      return wrong(`a ${kind} has no classes of its own making`, `Classes are made for ${CLASSFUL.join(', ')}.`)
    if (made.handle === undefined)
      return wrong('the class needs a classid', 'class parent 1: classid 1:10 htb rate 10mbit')
    made.parent ??= majorOf(made.handle)
  } else {
    if (!FILTERS.includes(kind)) return wrong(`netlab knows no filter ${kind}`, `It knows ${FILTERS.join(', ')}.`)
    if (made.parent === undefined || made.parent === 'root')
      return wrong(
        'it is not said where the filter hangs',
        'Write parent and the handle of a qdisc, ingress, or egress: parent 1:',
      )
    if (/:./.test(made.parent))
      return wrong(
        `the filter hangs on the class ${made.parent}`,
        'netlab reads the filters of qdiscs alone: write parent and the handle of one.',
      )
    if (made.pref === undefined)
      return wrong(
        'the filter needs a pref',
        'Without one the kernel numbers filters by itself, and nobody can tell which is which: pref 1',
      )
    if (words.includes('index'))
      return wrong('an action cannot have an index', 'Actions that filters share are not compared.')
    if (words.includes('bpf')) return wrong('netlab loads no programs of bpf')
    if (kind === 'fw' && made.handle === undefined)
      return wrong('a filter fw needs a handle: the mark', 'handle 0x1 fw classid 1:10')
    if (kind === 'u32' && words.includes('divisor') && made.handle === undefined)
      return wrong('a table of u32 needs a handle', 'handle 1: u32 divisor 256')
    made.protocol ??= 'all'
    const flow = words.findIndex((word) => word === 'flowid' || word === 'classid')
    const flowid = flow < 0 ? undefined : classId(words[flow + 1] ?? '')
    if (flowid !== undefined) made.flowid = flowid
  }
  return made
}
