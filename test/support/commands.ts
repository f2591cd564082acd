import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Host } from '../../src/model/host.ts'
import type { Held } from '../../src/run/hold.ts'
import type { Kernel } from './kernel.ts'

/** Runs the commands of netlab on the simulated kernel of kernel.ts. Import this before anything of src. */
let kernel: Kernel

jest.mock('../../src/run/choose-runner.ts', () => ({ startRunner: () => kernel.runner }))
// hold.ts would open files under the real /run/netns.
jest.mock('../../src/run/hold.ts', () => ({
  ...jest.requireActual<object>('../../src/run/hold.ts'),
  hold: (names: readonly string[]): Held | undefined => (names.length ? kernel.hold(names) : undefined),
}))

/** A folder for the test's files and for netlab's own state. */
export const folder = mkdtempSync(join(tmpdir(), 'netlab-commands-'))
process.env['XDG_STATE_HOME'] = folder
process.env['NO_COLOR'] = '1'
afterAll(() => rmSync(folder, { recursive: true }))

/** The output and the exit code of a command, and the UserError that it threw, if any. */
export interface Ended {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Runs a command on this kernel, as src/cli.ts does. */
export async function runOn(on: Kernel, command: (host: Host) => Promise<number>): Promise<Ended> {
  kernel = on
  const texts = { out: '', err: '' }
  const keep = (to: keyof typeof texts) => (text: string | Uint8Array) => {
    texts[to] += String(text)
    return true
  }
  const spies = [
    jest.spyOn(process.stdout, 'write').mockImplementation(keep('out')),
    jest.spyOn(process.stderr, 'write').mockImplementation(keep('err')),
  ]
  try {
    const code = await command(on.runner.host)
    await new Promise((resolve) => setImmediate(resolve))
    return { code, ...texts }
  } catch (error) {
    if (!('diagnostics' in (error as object))) throw error
    const { diagnostics } = error as { readonly diagnostics: readonly { summary: string; detail?: string }[] }
    const said = diagnostics.map(({ summary, detail }) => `${summary}\n${detail ?? ''}`).join('\n')
    return { code: 1, out: texts.out, err: `${texts.err}${said}` }
  } finally {
    for (const spy of spies) spy.mockRestore()
  }
}
