import { spawnSync } from 'node:child_process'

test('no damaged lab makes netlab throw, take long, or need much memory', () => {
  const { status, stdout } = spawnSync(process.execPath, ['scripts/fuzz.mjs', '--files', '80'], { encoding: 'utf8' })
  expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringMatching(/^80 files, 0 failures; .*\n$/) })
})
