import { distance } from 'fastest-levenshtein'

/** The word that is spelled most like this one; undefined when there are no words. */
export const nearest = (word: string, words: readonly string[]): string | undefined =>
  [...words].sort((a, b) => distance(a, word) - distance(b, word))[0]
