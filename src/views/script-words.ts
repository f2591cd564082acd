import { placed, typed, type Command } from '../model/command.ts'
import { visible } from '../model/text.ts'

const plain = /^[A-Za-z0-9_@%+=:,./-][A-Za-z0-9_@%+=:,./~-]*$/

/** A word as a POSIX shell reads it. Invisible characters are written as octal numbers, so that nothing in a script is hidden. */
export function word(text: string): string {
  if (plain.test(text)) return text
  return text
    .split(/([^\P{C}\n\t]+|[^\P{Z} ]+)/u)
    .map((part) => {
      if (part === '') return ''
      if (visible(part) === part) return `'${part.replaceAll("'", `'\\''`)}'`
      const octal = [...Buffer.from(part)].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`)
      return `"$(printf '${octal.join('')}')"`
    })
    .join('')
    .replace(/^$/, "''")
}

/** Words of a command line. */
export const line = (...texts: readonly string[]): string => texts.map(word).join(' ')

/** Lines of comment. A line break in a value does not end the comment. */
export const comment = (text: string): string => `# ${visible(text).replace(/\s+/g, ' ').trim()}`

/** The command line that reads this text on standard input. */
export function withInput(command: string, text: string): string {
  if (!text.endsWith('\n')) return text === '' ? `${command} </dev/null` : `printf %s ${word(text)} | ${command}`
  let end = 'EOF'
  while (text.split('\n').includes(end)) end += '_'
  return `${command} <<'${end}'\n${text}${end}`
}

/** The command line of a command, run from the machine's own namespace as a person would. */
export function commandLine(command: Command): string {
  const said = line(...(command.home ? placed(command) : typed(command)))
  return command.input === undefined ? said : withInput(said, command.input)
}
