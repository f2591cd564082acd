import { execFileSync, spawnSync } from 'node:child_process'
import fc from 'fast-check'
import '../support/seed.ts'
import { comment, withInput, word } from '../../src/views/script-words.ts'
import { loadLab } from '../../src/language/load-lab.ts'
import { makePlan } from '../../src/plan/make-plan.ts'
import { renderScript } from '../../src/views/script.ts'

const sh = (script: string): string => execFileSync('/bin/sh', { input: script, encoding: 'utf8' })

/** What shells, here-documents and readers of a script stumble over. */
const pieces = [
  ...[
    "'",
    '"',
    '$HOME',
    '`x`',
    '$(x)',
    '\\',
    '\n',
    'EOF',
    '\nEOF\n',
    ' ',
    '\t',
    '-',
    '~',
    '*',
    '#',
    ';',
    '&',
    '|',
    '=',
  ],
  ...['\u202e', '\u00a0', '\u0007', '\r', '\u2066', 'é', '😀', '\u001b[31m', '%s', '!', '{a,b}', 'word'],
]
const texts = fc.array(fc.constantFrom(...pieces), { maxLength: 6 }).map((parts) => parts.join(''))

test('a shell reads words as they were', () => {
  const words = fc.sample(texts, 500)
  expect(
    sh(`printf '%s\\0' ${words.map(word).join(' ')}`)
      .split('\0')
      .slice(0, -1),
  ).toEqual(words)
})

test('a command reads texts as they were', () => {
  const all = fc.sample(texts, 60).flatMap((text) => [text, `${text}\n`])
  const script = all.map((text) => `${withInput('cat', text)}\nprintf '\\0'\n`).join('')
  expect(sh(script).split('\0').slice(0, -1)).toEqual(all)
})

test('no word hides anything, and no comment ends before its line', () => {
  for (const text of fc.sample(texts, 500)) {
    expect(word(text)).not.toMatch(/[^\P{C}\n\t]|[^\P{Z} ]/u)
    expect(comment(text)).toMatch(/^#[^\n\r\u2028\u0085]*$/)
  }
})

/** The script of a lab. */
function scriptOf(text: string): string {
  const { name, resources, description } = loadLab({ file: 'lab.yaml', text, lint: false })
  const plan = (desired: typeof resources, live: typeof resources) => makePlan({ lab: name, desired, live }).steps
  const [build, remove] = [plan(resources, new Map()), plan(new Map(), resources)]
  return renderScript({ name, file: 'lab.yaml', description, desired: resources, build, remove })
}

test('no value of a lab becomes a command', () => {
  const script = scriptOf(`description: "one\\n$(touch /tmp/hit) two"
namespaces:
  a:
    nftables: "table inet t { chain c { counter comment \\"EOF $(x)\\"\\n } }\\nEOF\\ntouch hit\\n"
    files: { /etc/motd: { content: "EOF\\ntouch hit\\nEOF_\\n" } }
    processes: { p: { command: [echo, "'; touch hit; '", $(touch hit)], env: { A: "\`touch hit\`" } } }
`)
  expect(script).toContain("<<'EOF_'\ntable inet t")
  expect(script).toContain("<<'EOF__'\nEOF\ntouch hit\nEOF_\nEOF__\n")
  expect(script).toContain("echo ''\\''; touch hit; '\\''' '$(touch hit)'")
  expect(script).toContain("'A=`touch hit`'")
  expect(script.split('\n')[1]).toBe('# lab: one $(touch /tmp/hit) two')
  expect(spawnSync('/bin/sh', ['-n'], { input: script, encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' })
})

test('what a script cannot do is named in it', () => {
  const script = scriptOf(
    'namespaces: { a: {}, c: { container: web } }\nlinks: [{ endpoints: { a:e0: 10.0.0.1/24, c:e0: 10.0.0.2/24 } }]',
  )
  expect(script).toContain('# Not in this script, because only netlab finds container web:\n')
  expect(script).toContain('\n# c/e0\n')
  expect(script).not.toContain('\nip -n a link add')
})
