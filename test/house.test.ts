import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'

const root = join(__dirname, '..')

test('no two files of src have the same name: it is enough to say which file is meant', () => {
  const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  )
  const names = files.map((file) => basename(file))
  expect(files.filter((file, i) => names.indexOf(basename(file)) !== i)).toEqual([])
})

test('the built program loads no module with import(), which fails there: createRequire(__filename)(…) is the way', () => {
  const programs = readdirSync(join(root, 'dist')).filter((file) => file.endsWith('.cjs'))
  expect(programs).toEqual(expect.arrayContaining(['netlab.cjs', 'program.cjs', 'thread.cjs']))
  const left = programs.flatMap((file) =>
    [...readFileSync(join(root, 'dist', file), 'utf8').matchAll(/(?<![\w.$])import\s*\([^)]*\)/g)].map(
      ([call]) => `${file}: ${call}`,
    ),
  )
  expect(left).toEqual([])
})

test('what src and test/support export as a function or a value has a name of its own', () => {
  const places = new Map<string, string[]>()
  for (const folder of ['src', 'test/support'])
    for (const file of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.ts')) continue
      const text = readFileSync(join(root, folder, file), 'utf8')
      for (const [, name = ''] of text.matchAll(/^export (?:const|(?:async )?function\*?) (\w+)/gm))
        places.set(name, [...(places.get(name) ?? []), file])
    }
  expect([...places].filter(([, files]) => files.length > 1)).toEqual([])
})
