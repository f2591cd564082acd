import { chmodSync, cpSync, existsSync, lchownSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { execa } from 'execa'
import type { Outcome } from '../../src/model/command.ts'
import { openWorld, type Options } from './netns.ts'

const checkout = resolve(__dirname, '../..')
/** Nobody has this id, nor is it needed that somebody has. */
const UID = 12345

/** An ordinary user, with netlab and the labs in a folder of their own. */
export interface User {
  /** Where the user's netlab, labs and home lie; programs run there. */
  readonly folder: string
  /** The name of the user's sandbox. */
  readonly sandbox: string
  /** Runs a program as the user. */
  run(argv: readonly string[], options?: Options): Promise<Outcome>
  /** Runs netlab as `node …/dist/netlab.cjs`, as the user. */
  netlab(args: readonly string[], options?: Options): Promise<Outcome>
  /** Runs a program beside the user, where root's labs would be. */
  outside(argv: readonly string[]): Promise<Outcome>
  /** What to put before an argv to run it as the user, for programs that the test watches itself. */
  readonly become: readonly string[]
  /** The environment that goes with it. */
  readonly env: Readonly<Record<string, string>>
  close(): Promise<void>
}

function give(path: string): void {
  lchownSync(path, UID, UID)
  for (const entry of readdirSync(path, { withFileTypes: true }))
    if (entry.isDirectory()) give(join(path, entry.name))
    else lchownSync(join(path, entry.name), UID, UID)
}

/** A copy of what a user installs: others may not be able to read where the checkout lies. */
function install(folder: string): void {
  cpSync(join(checkout, 'dist'), join(folder, 'dist'), { recursive: true })
  cpSync(join(checkout, 'labs'), join(folder, 'labs'), { recursive: true })
  for (const native of ['koffi', '@koromix'])
    if (existsSync(join(checkout, 'node_modules', native)))
      cpSync(join(checkout, 'node_modules', native), join(folder, 'node_modules', native), { recursive: true })
  mkdirSync(join(folder, 'home'))
}

/**
 * Opens an ordinary user's place. Started by root, the user has no name and lives in a world of the test's own; started by
 * anybody else, it is who started the tests, in a sandbox with a name of its own.
 */
export async function openUser(): Promise<User> {
  const root = process.geteuid?.() === 0
  const world = root ? await openWorld() : undefined
  const folder = mkdtempSync(join(tmpdir(), 'netlab-user-'))
  const name = `test-${process.pid}-${Date.now().toString(36)}`
  install(folder)
  if (root) {
    chmodSync(folder, 0o755)
    give(folder)
  }
  const env = {
    PATH: process.env.PATH ?? '',
    HOME: join(folder, 'home'),
    LC_ALL: 'C.UTF-8',
    ...(root ? {} : { NETLAB_SANDBOX: name }),
  }
  const drop = root ? ['setpriv', `--reuid=${UID}`, `--regid=${UID}`, '--clear-groups', '--'] : []
  const become = ['env', '-C', folder, ...drop]

  async function start(argv: readonly string[], { input = '', env: more, cwd = folder, timeout = 50 }: Options = {}) {
    if (world) return world.run([...drop, 'env', '-i', ...pairs({ ...env, ...more }), ...argv], { input, cwd, timeout })
    const result = await execa('timeout', [String(timeout), ...argv], {
      input,
      env: { ...env, ...more },
      extendEnv: false,
      cwd,
      reject: false,
      stripFinalNewline: false,
    })
    return { code: result.exitCode ?? 1, stdout: result.stdout, stderr: result.stderr }
  }

  return {
    folder,
    sandbox: root ? 'default' : name,
    become: [...(world?.enter ?? []), ...become],
    env,
    run: start,
    netlab: (args, options) => start([process.execPath, join(folder, 'dist/netlab.cjs'), ...args], options),
    outside: (argv) => world?.run(argv) ?? start(argv),
    async close() {
      const { stdout } = world ? { stdout: '' } : await start(['pgrep', '-f', `netlab-sandbox ${name}$`])
      for (const holder of stdout.split('\n').filter(Boolean)) process.kill(Number(holder), 'SIGKILL')
      await world?.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const pairs = (env: Readonly<Record<string, string>>): string[] =>
  Object.entries(env).map(([key, value]) => `${key}=${value}`)
