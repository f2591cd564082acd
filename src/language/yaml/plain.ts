import { EVENT_ID, getScalarValue, parseEvents, SCALAR_STYLE, YAMLException, type Event } from 'js-yaml'

type Scalar = Extract<Event, { type: typeof EVENT_ID.SCALAR }>

/** How deep this parser lets collections be nested. */
const DEEPEST = 100

/** Thrown when the text needs the complete YAML parser. */
class NotPlain extends Error {}

const constants = new Map<string, unknown>([
  ...['', '~', 'null', 'Null', 'NULL'].map((text) => [text, null] as const),
  ...['true', 'True', 'TRUE'].map((text) => [text, true] as const),
  ...['false', 'False', 'FALSE'].map((text) => [text, false] as const),
])

/**
 * Parses the part of YAML that most labs use, in a fifth of the time of the complete parser, which also records positions.
 * Undefined for everything else (anchors, aliases, tags, merge keys, numbers in unusual forms) and for all errors: those texts
 * are left to the complete parser.
 */
export function parsePlain(text: string): { readonly value: unknown } | undefined {
  // The two do not agree on what looks like a marker in another place, and on directives (js-yaml 5.5.0, yaml 2.9.1).
  if (/^([^#\n]+---|---\S|%)/m.test(text)) return undefined
  try {
    const [document, ...rest] = parseEvents(text, {})
    if (document?.type !== EVENT_ID.DOCUMENT || document.directives.length || document.explicitEnd) return undefined
    let next = 0
    const value = node(0)
    return rest[next]?.type === EVENT_ID.POP && next === rest.length - 1 ? { value } : undefined

    function node(depth: number): unknown {
      const event = rest[next++]
      if (!event || depth > DEEPEST || !('anchorStart' in event && 'tagStart' in event)) throw new NotPlain()
      if (event.anchorStart >= 0 || event.tagStart >= 0) throw new NotPlain()
      if (event.type === EVENT_ID.SCALAR) return meaning(event)
      if (event.type === EVENT_ID.SEQUENCE) {
        const list: unknown[] = []
        while (rest[next]?.type !== EVENT_ID.POP) list.push(node(depth + 1))
        next++
        return list
      }
      const map: Record<string, unknown> = {}
      while (rest[next]?.type !== EVENT_ID.POP) {
        const key = rest[next++]
        if (key?.type !== EVENT_ID.SCALAR || key.anchorStart >= 0 || key.tagStart >= 0) throw new NotPlain()
        // A key is its text in the file, also where YAML would read a number or null.
        const name = written(key)
        if (Object.hasOwn(map, name) || name === '<<' || name === '__proto__' || name === '') throw new NotPlain()
        map[name] = node(depth + 1)
      }
      next++
      return map
    }
    function written(event: Scalar): string {
      return event.fast ? text.slice(event.valueStart, event.valueEnd) : getScalarValue(text, event)
    }
    function meaning(event: Scalar): unknown {
      const content = written(event)
      if (event.style !== SCALAR_STYLE.PLAIN) return content
      if (constants.has(content)) return constants.get(content)
      if (!/^[-+]?\.?([0-9]|inf|nan)/i.test(content)) return content
      if (/^(0|-?[1-9][0-9]{0,14})$/.test(content)) return Number(content)
      if (
        /^[-+]?(0[ox][0-9a-f]+|[0-9]+|(\.[0-9]+|[0-9]+(\.[0-9]*)?)(e[-+]?[0-9]+)?)$|^[-+]?\.(inf|nan)$/i.test(content)
      )
        throw new NotPlain()
      return content
    }
  } catch (error) {
    if (error instanceof NotPlain || error instanceof YAMLException) return undefined
    throw error
  }
}
