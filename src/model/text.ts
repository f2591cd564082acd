/** Characters that a terminal obeys, or that show nothing, or that are taken for a space; not tabs and ends of lines. */
const HIDDEN = /(?![\t\n ])[\p{Cc}\p{Cf}\p{Cs}\p{Z}\p{Default_Ignorable_Code_Point}\u2800]/gu

/** The text with every character that a reader would not see written as JSON and YAML write it: `\u202e`. */
export const visible = (text: string): string =>
  text.replace(HIDDEN, (character) =>
    character
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  )
