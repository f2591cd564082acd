/** What a word names: a namespace, or with `device` an interface of it. Both may be patterns with `*` and `?`. */
export interface FaultTarget {
  readonly namespace: string
  readonly device?: string
}

/** Whether a name stands for several. */
export const isPattern = (text: string): boolean => /[*?]/.test(text)

/**
 * What a word names: `NS`, `NS:IF`, or both ends of a cable, `NS:IF-NS:IF`. Names may have hyphens themselves: the one divides that
 * leaves a namespace on its right. Undefined when it is none of these.
 */
export function parseTarget(word: string, isNamespace: (name: string) => boolean): FaultTarget[] | undefined {
  const end = (text: string): FaultTarget | undefined => {
    const [, namespace = '', device = ''] = /^([^:]+):([^:]+)$/.exec(text) ?? []
    return namespace === '' ? undefined : { namespace, device }
  }
  if (word === '') return undefined
  if (!word.includes(':')) return [{ namespace: word }]
  const whole = end(word)
  if (whole) return [whole]
  for (let at = word.indexOf('-'); at > 0; at = word.indexOf('-', at + 1)) {
    const [left, right] = [end(word.slice(0, at)), end(word.slice(at + 1))]
    if (left && right && (isPattern(right.namespace) || isNamespace(right.namespace))) return [left, right]
  }
  return undefined
}
