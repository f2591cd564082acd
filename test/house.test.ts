import { readdirSync } from 'node:fs'
import { basename, join } from 'node:path'

const root = join(__dirname, '..')

test('no two files of src have the same name: it is enough to say which file is meant', () => {
  const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  )
  const names = files.map((file) => basename(file))
  expect(files.filter((file, i) => names.indexOf(basename(file)) !== i)).toEqual([])
})
