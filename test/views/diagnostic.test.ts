import pc from 'picocolors'
import { visible } from '../../src/model/text.ts'
import { diagnose } from '../../src/language/load-lab.ts'
import { diagnosticJson } from '../../src/views/json.ts'
import { renderDiagnostic } from '../../src/views/diagnostic-text.ts'

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
  expect(visible(text)).toContain('"b\\u001b[2J" cannot be the name')
  expect(text).toContain('# \\u001b[2J')
})

test('characters that turn or hide text are written out, and the caret is in its place', () => {
  const lines = rendered('namespaces: { a: { interfaces: { lo: { "m\u202eut": 1 } }, \u2066b: 1 } }\n').map(visible)
  expect(lines[0]).toContain('"m\\u202eut"')
  expect(lines[2]).toContain('"m\\u202eut": 1 } }, \\u2066b: 1')
  expect(lines[3]?.indexOf('^')).toBe(lines[2]?.indexOf('"m'))
  expect(lines[3]?.replace(/^[ |]*/, '')).toBe('^'.repeat('"m\\u202eut"'.length))
})

test('tabs and ends of lines, letters and signs of every script are seen already', () => {
  const text = 'tab\tline\nñ 日本 ✓ → ’ 😀 العربية עברית'
  expect(visible(text)).toBe(text)
  expect(visible('a\u00a0b\u200bc\u202ed\u2066e\ufefff\u0085g\u2028h\u00adi\u{e0041}j')).toBe(
    'a\\u00a0b\\u200bc\\u202ed\\u2066e\\ufefff\\u0085g\\u2028h\\u00adi\\udb40\\udc41j',
  )
})

test('long values are cut in the middle, and the sentence around them stays', () => {
  const summary = `"${'x'.repeat(5000)}" is not an address`
  const [line = ''] = renderDiagnostic({ code: 'bad-value', severity: 'error', summary }, pc.createColors(false)).split(
    '\n',
  )
  expect(line).toMatch(/^error: "x{48}…x{29}" is not an address$/)
  const many = `there is no ${'word '.repeat(1000)}here`
  expect(renderDiagnostic({ code: 'bad-value', severity: 'error', summary: many }, pc.createColors(false))).toMatch(
    /^error: there is no .{300,380}….{20,30} here\n$/,
  )
  expect(diagnosticJson({ code: 'bad-value', severity: 'error', summary }).summary).toBe(summary)
})
