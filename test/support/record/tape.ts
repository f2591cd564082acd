import type { NamedNamespace, LiveProcess } from '../../../src/model/runner.ts'
import { placeIn } from '../../../src/model/place.ts'

/** A program that netlab has run, and what it printed. */
export interface Played extends Call {
  readonly code: number
  readonly stdout: string
}

/** The call of a program, as far as it is the same on every machine. */
export interface Call {
  /** A name under /run/netns; absent: where netlab itself runs. */
  readonly netns?: string
  /** Its words in one line. Of a script only the first line, without the files of sysctls, which only select from the output. */
  readonly line: string
  readonly input: string
}

/** What the netlink thread answered about one namespace: contents of `ReadResult`, bytes in base64. */
export interface Answered {
  readonly sections?: readonly Answer[]
  readonly fdb?: Answer
  readonly mdb?: Answer
  readonly nexthops?: Answer
  readonly rules?: string
  readonly legacy?: string
  readonly mixed?: true
  /** By path under /proc; null: there is no such file. */
  readonly files: Readonly<Record<string, string | null>>
}
export interface Answer {
  readonly errno: number
  readonly bytes: string
}

/** The file `machine.json` of a case. */
export interface Machine {
  readonly list: readonly NamedNamespace[]
  readonly processes: readonly LiveProcess[]
  /** Names of namespaces by the ids that links in the answers of netlink have. */
  readonly names: readonly (readonly [number, string])[]
}

/** Stand for the throw-away namespace, and for the one that netlab runs in. No namespace can have these names. */
export const [NEW, HERE] = ['(new)', '(machine)']

/** The call with these words. */
export function programCall(argv: readonly string[], input = ''): Call {
  const [netns] = argv.flatMap((word, i) => /^--net=\/run\/netns\/(.+)$/.exec(word)?.slice(1, i < 2 ? 2 : 1) ?? [])
  const words = netns === undefined ? argv : argv.slice(argv.indexOf('--') + 1)
  const line = words
    .map((word, i) => (words[i - 1] === '-c' ? `{ ${firstLine(word)} … }` : word.replace(/^(-n|-Urn|--net)$/, '-n')))
    .filter((word) => !word.startsWith('/proc/sys/'))
    .map((word) => (/^[^\s'"]+$/.test(word) || word.startsWith('{') ? word : JSON.stringify(word)))
    .join(' ')
  return { ...placeIn(netns), line, input }
}

/** The first line of a script. */
export const firstLine = (script: string): string => script.trim().split('\n')[0] ?? ''

/** Identifies a call: those with the same key print the same. */
export const keyOf = ({ netns, line, input }: Call): string => JSON.stringify([netns ?? '', line, input.trimEnd()])

/** The calls of a script that runs one program for each pair of a namespace (empty: here) and a word. */
export function callsIn(argv: readonly string[]): Call[] | undefined {
  const [, , script = '', , ...rest] = argv
  const line = ONE_BY_ONE.find(([part]) => script.includes(part))?.[1]
  if (argv[1] !== '-c' || !line) return undefined
  return rest.flatMap((file, i) =>
    i % 2
      ? []
      : [{ ...(file && { netns: file.replace('/run/netns/', '') }), line: line(rest[i + 1] ?? ''), input: '' }],
  )
}
const ONE_BY_ONE: readonly (readonly [part: string, line: (word: string) => string])[] = [
  ['nsenter --net="$1" -- "$2" -c', (program) => `${program} -c`],
  ['nsenter --net="$1" -- ip -j -d -N link show dev "$2"', (dev) => `ip -j -d -N link show dev ${dev}`],
]

/** Programs as the files `machine.programs` and `NAME.netns` have them: `$` and the call, `<` and each line of the input, `?` and the exit code. */
export const printPlayed = (all: readonly Played[]): string =>
  all
    .map(({ line, input, code, stdout }) =>
      [
        `$ ${line}`,
        ...(input ? input.trimEnd().split('\n') : []).map((text) => `< ${text}`),
        ...(code ? [`? ${code}`] : []),
        ...(stdout ? [stdout.replace(/\n$/, '')] : []),
        '',
      ].join('\n'),
    )
    .join('')

/** The programs in such a file. */
export function parsePlayed(text: string, netns: string | undefined): Played[] {
  return text
    .split(/^\$ /m)
    .slice(1)
    .map((block) => {
      const [line = '', ...rest] = block.split('\n').slice(0, -1)
      const begin = rest.findIndex((one) => !one.startsWith('< '))
      const input = rest.slice(0, begin < 0 ? rest.length : begin).map((one) => `${one.slice(2)}\n`)
      const [, code] = /^\? (\d+)$/.exec(rest[input.length] ?? '') ?? []
      const lines = rest.slice(input.length + (code === undefined ? 0 : 1)).map((one) => `${one}\n`)
      return {
        ...placeIn(netns),
        line,
        input: input.join(''),
        code: Number(code ?? 0),
        stdout: lines.join(''),
      }
    })
}
