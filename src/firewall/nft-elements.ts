import type { NftObject } from '../model/firewall.ts'
import { unquoted } from './nft-parse.ts'

/** Whether rules add and remove elements of the set. nft itself gives the flag to a set that a rule of the table fills. */
const isFilled = ({ lines }: NftObject): boolean => lines.some((line) => /^flags .*\bdynamic\b/.test(line))

/** The elements without a timeout, of their own or of the set. */
function lasting({ lines, elements = [] }: NftObject): readonly string[] {
  if (lines.some((line) => line.startsWith('timeout '))) return []
  return elements.filter((element) => !(element.includes(' timeout ') && unquoted(element).includes(' timeout ')))
}

/** The key of an element, without its value and options: `22 : accept` → `22`. */
export function elementKey(element: string): string {
  const options = / : | (?:counter|limit|quota|ct count|last|timeout|expires|comment)\b/.exec(unquoted(element))
  return options ? element.slice(0, options.index) : element
}

/** The elements of a live set that have to go, and those that have to come. */
export interface ElementChanges {
  readonly gone: readonly string[]
  readonly come: readonly string[]
}

/**
 * Compares the elements of a set or map. Those with a timeout are added when the set is created and not missed later. Where
 * rules fill the set, live elements that are not desired are the packets'.
 */
export function elementChanges(live: NftObject, desired: NftObject): ElementChanges {
  const [before, after] = [lasting(live), lasting(desired)]
  if (isFilled(desired)) {
    const known = new Set(live.elements?.map(elementKey))
    return { gone: [], come: after.filter((element) => !known.has(elementKey(element))) }
  }
  const [old, now] = [new Set(before), new Set(after)]
  return { gone: before.filter((element) => !now.has(element)), come: after.filter((element) => !old.has(element)) }
}
