import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'netlab-start-'))
  cpSync('dist', folder, { recursive: true })
})
afterEach(() => rmSync(folder, { recursive: true }))

const file = (name: string): string => join(folder, name)
/** What V8 says of the program's cache, as src/start.ts offers it: `refused`, `taken`, or that none is offered. */
function start(command = '--version'): string {
  const said = file('said.cjs')
  writeFileSync(
    said,
    `const vm = require('node:vm')
     const { Script } = vm
     vm.Script = class extends Script {
       constructor(text, options) {
         super(text, options)
         const refused = this.cachedDataRejected
         console.error(options.cachedData === undefined ? 'none' : refused ? 'refused' : 'taken')
       }
     }`,
  )
  const script = `exec "$0" -r "$1" "$2" "$3" 2>&1 </dev/null`
  return execFileSync('sh', ['-c', script, process.execPath, said, file('netlab.cjs'), command], { encoding: 'utf8' })
}
const version = `${(JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }).version}\n`

test('what was compiled at the build is taken', () => {
  expect(start()).toBe(`taken\n${version}`)
})

test('on a machine of a lab, another part of the program was compiled, when it was built by root', () => {
  expect(start('machine')).toBe('taken\n')
  rmSync(file('program.cache'))
  expect(start('machine')).toBe(process.geteuid?.() === 0 ? 'taken\n' : 'none\n')
})

test('what was compiled of another program is not offered', () => {
  // As long as the other, and all that V8 looks at.
  const text = readFileSync(file('program.cjs'), 'latin1')
  writeFileSync(
    file('program.cjs'),
    text.replace(/^\/\/ \w+/, (id) => `// ${'0'.repeat(id.length - 3)}`),
    'latin1',
  )
  expect(start()).toBe(`none\n${version}`)
})

test('without it, and with what V8 refuses, the program starts as well', () => {
  const cache = readFileSync(file('program.cache'))
  writeFileSync(file('program.cache'), Buffer.concat([cache.subarray(0, 8), Buffer.alloc(8), cache.subarray(16)]))
  expect(start()).toBe(`refused\n${version}`)
  rmSync(file('program.cache'))
  expect(start()).toBe(`none\n${version}`)
})
