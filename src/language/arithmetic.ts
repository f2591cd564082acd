/** Names that stand for whole numbers. */
export type Variables = Readonly<Record<string, number>>

/** The value of an expression, or the unknown name in it. */
export type Evaluated = { readonly value: number } | { readonly unknown: string }

const precedence: Readonly<Record<string, number>> = { '+': 1, '-': 1, '*': 2, '/': 2, '%': 2 }
const operate: Readonly<Record<string, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => Math.floor(a / b),
  '%': (a, b) => a % b,
}

/**
 * The value of an expression such as `2*i + 1`: whole numbers, names, `+ - * / %` and parentheses, where `/` rounds down.
 * Names are looked up in `scope`, then in `outer`. Undefined when the text is no such expression, or divides by zero.
 */
export function evaluate(text: string, scope: Variables, outer: Variables = {}): Evaluated | undefined {
  const tokens = text.match(/[0-9]+|[a-z][a-z0-9_]*|\S/g) ?? []
  let unknown: string | undefined
  let at = 0
  const operand = (): number => {
    const token = tokens[at++] ?? ''
    if (token === '-') return -operand()
    if (token === '(') {
      const inner = expression(1)
      return tokens[at++] === ')' ? inner : NaN
    }
    if (/^[0-9]/.test(token)) return Number(token)
    if (!/^[a-z]/.test(token)) return NaN
    const known = Object.hasOwn(scope, token) ? scope : outer
    if (!Object.hasOwn(known, token)) unknown ??= token
    return known[token] ?? 1
  }
  const expression = (least: number): number => {
    let left = operand()
    for (;;) {
      const token = tokens[at] ?? ''
      const binds = precedence[token]
      if (binds === undefined || binds < least) return left
      at++
      left = operate[token]?.(left, expression(binds + 1)) ?? NaN
    }
  }
  const value = expression(1)
  if (at !== tokens.length || !Number.isSafeInteger(value)) return undefined
  return unknown === undefined ? { value } : { unknown }
}
