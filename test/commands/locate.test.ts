import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { diagnose } from '../../src/language/load-lab.ts'
import { locate } from '../../src/commands/locate.ts'

const folder = mkdtempSync(join(tmpdir(), 'netlab-locate-'))
const before = process.cwd()
const write = (name: string, text: string): void => writeFileSync(join(folder, name), text)
const found = () => {
  const said: string[] = []
  const located = locate(undefined, { say: (text) => said.push(text) })
  return ['file' in located ? located.file : located.name, ...said]
}
beforeAll(() => process.chdir(folder))
afterAll(() => {
  process.chdir(before)
  rmSync(folder, { recursive: true })
})

test('without an argument the only lab file of the directory is taken, and named', () => {
  write('compose.yml', 'services: {}\n')
  write('net.yaml', 'namespaces: { a: }\n')
  expect(found()).toEqual(['net.yaml', 'Using net.yaml, the only lab file of this directory.\n'])
})

test('of several none is taken: the error names them', () => {
  write('other.yaml', 'name: x\nnamespaces: { a: }\n')
  expect(found).toThrow('which lab?')
  mkdirSync(join(folder, 'labs'))
  write('lab.yaml', 'namespaces: { a: }\n')
  expect(found()).toEqual(['lab.yaml'])
})

test('files that a lab names are held to what the lab itself is: UTF-8, a file, at most 16 MiB', () => {
  const located = locate('net.yaml')
  const read = (name: string) => () => 'beside' in located && located.beside(name)
  writeFileSync(join(folder, 'latin.yaml'), Buffer.from('# caf\xe9\n', 'latin1'))
  writeFileSync(join(folder, 'large.yaml'), Buffer.alloc(16 * 1024 * 1024 + 1, '#'))
  write('base.yaml', '# café\n')
  expect(read('base.yaml')()).toBe('# café\n')
  expect(read('latin.yaml')).toThrow('the file is not UTF-8')
  expect(read('large.yaml')).toThrow('the file is larger than 16 MiB')
  expect(read('labs')).toThrow('it is a directory')
  expect(read('/dev/zero')).toThrow('it is not a file')
  // Files for a home may be of any encoding, and folders.
  const find = (name: string) => () => 'fileBeside' in located && located.fileBeside(name)
  expect(find('latin.yaml')()).toMatchObject({ kind: 'file', executable: false, outside: false })
  expect(find('large.yaml')).toThrow('the file is larger than 16 MiB')
  expect(find('labs')()).toMatchObject({ kind: 'folder' })
  expect(find('/dev/zero')).toThrow('it is not a file')
  write('including.yaml', 'include: [latin.yaml]\nnamespaces: { a: }\n')
  const including = locate('including.yaml')
  if (!('file' in including)) throw new Error('it is a file')
  expect(diagnose({ ...including, readBeside: including.beside })).toMatchObject([
    { code: 'not-utf8', position: { file: 'latin.yaml', line: 1, column: 6 } },
  ])
})

test('--set is NAME=VALUE, for lab files only', () => {
  expect(locate('net.yaml', { set: ['a=1', 'b=x=y', 'a=2'] })).toMatchObject({
    set: new Map([
      ['a', '2'],
      ['b', 'x=y'],
    ]),
  })
  expect(() => locate('net.yaml', { set: ['a'] })).toThrow('--set a gives no value')
  expect(() => locate('live', { set: ['a=1'] })).toThrow('--set needs a lab file')
})
