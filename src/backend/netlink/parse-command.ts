import type { Command } from '../../model/command.ts'
import { linkMessage } from './parse-link.ts'
import type { Call } from './encode.ts'
import { encode, type Message } from './message.ts'
import { NotUnderstood, wordsOf, type Words } from './parse-words.ts'

/**
 * What netlab's command does, without running it; undefined for whatever is not known to the last word: the program
 * itself does that. The meaning of each word is iproute2's (ip(8), its sources' ip/*.c).
 */
export function understand({ argv, netns, input }: Command): Call | undefined {
  const at = netns === undefined ? {} : { netns }
  if (input !== undefined) return undefined
  try {
    return operation(argv, at)
  } catch (error) {
    if (error instanceof NotUnderstood) return undefined
    throw error
  }
}

function operation(argv: readonly string[], at: { readonly netns?: string }): Call | undefined {
  const [program, ...rest] = argv
  return program === 'ip' ? ipOperation(wordsOf(rest), at) : undefined
}

function ipOperation(words: Words, at: { readonly netns?: string }): Call | undefined {
  const send = (message: Message): Call => ({ do: 'send', ...at, message: encode(message) })
  switch (words.next()) {
    case 'link':
      return send(linkMessage(words))
    default:
      return undefined
  }
}
