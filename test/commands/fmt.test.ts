import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'netlab-fmt-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const fmt = (args: readonly string[], input = '') =>
  spawnSync(process.execPath, [resolve('dist/netlab.cjs'), 'fmt', ...args], { cwd: folder, input, encoding: 'utf8' })
const write = (name: string, text: string): void => writeFileSync(join(folder, name), text)
const read = (name: string): string => readFileSync(join(folder, name), 'utf8')

const messy = 'namespaces:\n    h1:   {} # one\n'
const neat = 'namespaces:\n  h1: {} # one\n'

test('names the files that it changes', () => {
  write('a.yaml', messy)
  write('b.yaml', neat)
  expect(fmt(['--check', 'a.yaml', 'b.yaml'])).toMatchObject({
    status: 1,
    stdout: 'a.yaml\n',
    stderr: 'Not laid out as netlab fmt does: 1 of 2.\n',
  })
  expect(read('a.yaml')).toBe(messy)
  expect(fmt(['a.yaml', 'b.yaml'])).toMatchObject({ status: 0, stdout: 'a.yaml\n', stderr: '' })
  expect(read('a.yaml')).toBe(neat)
  expect(fmt(['a.yaml', 'b.yaml', '--check'])).toMatchObject({ status: 0, stdout: '', stderr: '' })
})

test('a folder means its lab files, none the lab of this directory', () => {
  mkdirSync(join(folder, 'labs'))
  write('labs/a.yaml', messy)
  write('labs/b.yml', messy)
  write('labs/c.txt', messy)
  write('lab.yaml', messy)
  expect(fmt(['labs']).stdout).toBe('labs/a.yaml\nlabs/b.yml\n')
  expect(read('labs/c.txt')).toBe(messy)
  expect(fmt([]).stdout).toBe('lab.yaml\n')
})

test('from standard input to standard output', () => {
  expect(fmt(['-'], messy)).toMatchObject({ status: 0, stdout: neat })
  expect(fmt(['-', '--check'], messy)).toMatchObject({ status: 1, stdout: '-\n' })
  expect(fmt(['-', '--check'], neat).status).toBe(0)
})

test('leaves alone what is not YAML or not there', () => {
  write('wrong.yaml', 'a: [1\n')
  expect(fmt(['wrong.yaml'])).toMatchObject({ status: 1, stderr: expect.stringContaining('wrong.yaml:') as string })
  expect(read('wrong.yaml')).toBe('a: [1\n')
  expect(fmt(['missing.yaml'])).toMatchObject({ status: 1, stdout: '' })
})

test('every character stays', () => {
  const text = 'a: x # \u202e and \u00a0\n'
  expect(fmt(['-'], text).stdout).toBe(text)
})
