import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'

/** Not how fast anything is: that the benchmark still runs, and that everybody in it builds the same. */
test('the benchmark runs', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'netlab-test-'))
  const json = join(folder, 'report.json')
  try {
    const args = ['--sizes', '3', '--runs', '1', '--programs', '^netlab|^ip', '--parts', '', '--json', json]
    const compiler = await execa('cc', ['--version'], { reject: false })
    const { exitCode, stderr } = await execa(process.execPath, ['bench/run.mjs', ...args], { reject: false })
    if (compiler.exitCode !== 0) {
      expect({ exitCode, stderr }).toMatchObject({
        exitCode: 1,
        stderr: expect.stringContaining('apt-get install gcc'),
      })
      return
    }
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 })
    const { results } = JSON.parse(readFileSync(json, 'utf8')) as {
      results: { shape: string; times: Record<string, Record<string, number[]>> }[]
    }
    expect(results.map(({ shape }) => shape)).toEqual(['chain', 'star'])
    for (const { times } of results) {
      expect(Object.keys(times)).toEqual(['C, rtnetlink', 'netlab', 'ip -batch'])
      for (const ops of Object.values(times))
        for (const op of ['build', 'read', 'change', 'destroy']) expect(ops[op]?.[0]).toBeGreaterThan(0)
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}, 120_000)
