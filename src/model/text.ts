/** The largest lab file, in characters. */
export const LARGEST = 16 * 1024 * 1024

/** Characters that any terminal shows as they are. */
const PLAIN = /^[\t\n\x20-\x7e]*$/

/** Control characters, invisible ones, and those that look like a space; not tab, newline and space. */
const hidden = (): RegExp => /(?![\t\n ])[\p{Cc}\p{Cf}\p{Cs}\p{Z}\p{Default_Ignorable_Code_Point}\u2800]/gu

/** The text with each of those characters escaped as in JSON and YAML: `\u202e`. */
export const visible = (text: string): string =>
  PLAIN.test(text)
    ? text
    : text.replace(hidden(), (character) =>
        character
          .split('')
          .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
          .join(''),
      )
