import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { diagnose } from '../../src/language/load-lab.ts'

const templates = readdirSync('templates').map((file) => file.replace(/\.yaml$/, ''))
const textOf = (name: string): string => readFileSync(`templates/${name}.yaml`, 'utf8')

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'netlab-init-'))
})
afterEach(() => rmSync(folder, { recursive: true }))
const init = (...args: string[]) =>
  spawnSync(process.execPath, [resolve('dist/netlab.cjs'), 'init', ...args], { cwd: folder, encoding: 'utf8' })

test('lists every template with what it shows', () => {
  const { status, stdout } = init()
  expect(status).toBe(0)
  const rows = stdout.trim().split('\n')
  expect(rows.map((row) => row.split(' ')[0]).sort()).toEqual(templates.sort())
  for (const row of rows) expect(row).toMatch(/^\S+ +[A-Z]\S* \S+ .*/)
})

test('writes the file, says what to do next, and replaces nothing', () => {
  const { status, stdout, stderr } = init('nat')
  expect({ status, stdout }).toEqual({ status: 0, stdout: '' })
  expect(stderr).toContain('netlab apply nat.yaml')
  expect(readFileSync(join(folder, 'nat.yaml'), 'utf8')).toBe(textOf('nat'))
  writeFileSync(join(folder, 'nat.yaml'), 'mine')
  expect(init('nat')).toMatchObject({ status: 1, stderr: expect.stringContaining('nat.yaml exists already') as string })
  expect(readFileSync(join(folder, 'nat.yaml'), 'utf8')).toBe('mine')
  expect(init('nat', '--force').status).toBe(0)
  expect(readFileSync(join(folder, 'nat.yaml'), 'utf8')).toBe(textOf('nat'))
})

test('-o names another file, - standard output', () => {
  expect(init('pod', '-o', 'mine.yaml').stderr).toContain('netlab plan mine.yaml')
  expect(readFileSync(join(folder, 'mine.yaml'), 'utf8')).toBe(textOf('pod'))
  expect(init('pod', '-o', '-')).toMatchObject({ status: 0, stdout: textOf('pod'), stderr: '' })
  expect(existsSync(join(folder, 'pod.yaml'))).toBe(false)
})

test.each(['nta', '../labs/06-nat', ''])('there is no template %p', (name) => {
  const { status, stderr } = init(name)
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr: expect.stringContaining('There are: router docker0') as string,
  })
})

test.each(templates)('%s is valid without a warning, named by its file, and explained', (name) => {
  const text = textOf(name)
  expect(diagnose({ file: `${name}.yaml`, text, readBeside: () => '' })).toEqual([])
  expect(text).toMatch(/^description: .{10,90}\n\n#/)
  expect(text).not.toMatch(/^name:/m)
  expect(text.match(/#/g)?.length).toBeGreaterThan(7)
  expect(text.split('\n').filter((line) => line.length > 120)).toEqual([])
})
