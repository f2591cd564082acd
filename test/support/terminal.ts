import { stripVTControlCharacters } from 'node:util'

/** The argv that runs a program on a terminal of its own (script(1)), whose output is then what the terminal got. */
export const onTerminal = (argv: readonly string[]): string[] => [
  ...['sh', '-c', 'stty columns 100; exec script -qec "$0" /dev/null'],
  argv.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' '),
]

/** The lines that are seen in the end on a terminal that got this text: what follows a carriage return overwrites the line. */
export const screenOf = (text: string): string[] =>
  stripVTControlCharacters(text)
    .replaceAll('\r\n', '\n')
    .split('\n')
    .map((line) =>
      line
        .split('\r')
        .reduce((before, after) => after + before.slice(after.length))
        .trimEnd(),
    )
