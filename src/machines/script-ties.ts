import type { Tie } from '../language/expand-machines.ts'
import type { Check } from '../model/check.ts'

/** `ip netns exec NAME` and `ip -n NAME`, also with options before. */
const ENTERS = /\bip\s+(?:-\S+\s+)*?(?:netns\s+exec|-n(?:etns)?)\s+(\S+)/g

/**
 * Namespaces that must be on one machine because the command of a check enters others by `ip`, which knows those of one machine. A
 * name that is partly a variable of the shell, as `c$i`, stands for all that it may become; one that is only a variable, for those that the command mentions.
 */
export function scriptTies(checks: readonly Check[], names: readonly string[]): Tie[] {
  return checks.flatMap((check): Tie[] => {
    const text = check.run?.join(' ') ?? ''
    const entered = [...text.matchAll(ENTERS)].flatMap(([, word = '']) => {
      const shape = word.replaceAll(/["']/g, '').replaceAll(/\$\{?\w+\}?|\$\(.*$/g, '*')
      if (/^\**$/.test(shape)) {
        const words = new Set(text.split(/[^\w.-]+/))
        return names.filter((name) => words.has(name))
      }
      const pattern = new RegExp(`^${shape.split('*').map(quoted).join('.*')}$`)
      return names.filter((name) => pattern.test(name))
    })
    return [...new Set(entered)].map((other) => ({ namespace: check.from, other, id: check.from }))
  })
}

const quoted = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
