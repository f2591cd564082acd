import pc from 'picocolors'
import { diagnose } from '../../src/lab/index.ts'
import { renderDiagnostic } from '../../src/render/diagnostic.ts'

const rendered = (text: string): string[] =>
  diagnose({ file: 'lab.yaml', text }).flatMap((d) => renderDiagnostic(d, pc.createColors(false)).split('\n'))

/** What the caret points at. */
function pointed(text: string): string {
  const lines = rendered(text)
  const caret = lines.findIndex((line) => /\^/.test(line))
  const [start, end] = [lines[caret]?.indexOf('^') ?? 0, lines[caret]?.lastIndexOf('^') ?? 0]
  return lines[caret - 1]?.slice(start, end + 1) ?? ''
}

test('of a long line what is around the caret is shown', () => {
  const text = `namespaces: { ${Array.from({ length: 5000 }, (_, i) => `n${i}: , `).join('')}bad: { foo: 1 } }`
  expect(pointed(text)).toBe('foo')
  expect(Math.max(...rendered(text).map(({ length }) => length))).toBeLessThan(250)
})

test('the caret is in its place after tabs', () => {
  const lines = rendered('namespaces:\n  a: {\t\tfoo: 1}\n')
  expect(lines).toContain('    |       \t\t^^^')
})

test('what is in a lab file does not reach the terminal as a command', () => {
  const text = rendered('namespaces:\n  a: {}\n  "b\\e[2J": {} # \u001b[2J\n').join('\n')
  expect(text).toContain('"b␛[2J" cannot be the name')
  expect(text).not.toContain('\u001b')
})
