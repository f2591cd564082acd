import { chmodSync, cpSync, existsSync, lchownSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { execa } from 'execa'
import type { Outcome } from '../../src/model/command.ts'
import { checkDocument } from './documents.ts'
import { openWorld, type Options, type World } from './netns.ts'

const checkout = resolve(__dirname, '../..')
/** A user id that no user of the machine has. */
const UID = 12345

/** An ordinary user, with netlab and labs in a folder that the user can read. */
export interface User {
  /** The folder with the user's netlab, labs and home. Programs run in it. */
  readonly folder: string
  /** The name of the user's sandbox. */
  readonly sandbox: string
  /** Runs a program as the user. */
  run(argv: readonly string[], options?: Options): Promise<Outcome>
  /** Runs netlab as `node …/dist/netlab.cjs`, as the user. */
  netlab(args: readonly string[], options?: Options): Promise<Outcome>
  /** Runs a program outside the user's sandbox, where root's labs would be. */
  outside(argv: readonly string[]): Promise<Outcome>
  /** The words before an argv that run it as the user, for programs that the test starts itself. */
  readonly become: readonly string[]
  /** The environment for such programs. */
  readonly env: Readonly<Record<string, string>>
  close(): Promise<void>
}

function give(path: string): void {
  lchownSync(path, UID, UID)
  for (const entry of readdirSync(path, { withFileTypes: true }))
    if (entry.isDirectory()) give(join(path, entry.name))
    else lchownSync(join(path, entry.name), UID, UID)
}

/** A copy of what a user installs, because other users may be unable to read the checkout. */
function install(folder: string): void {
  cpSync(join(checkout, 'dist'), join(folder, 'dist'), { recursive: true })
  cpSync(join(checkout, 'labs'), join(folder, 'labs'), { recursive: true })
  for (const native of ['koffi', '@koromix'])
    if (existsSync(join(checkout, 'node_modules', native)))
      cpSync(join(checkout, 'node_modules', native), join(folder, 'node_modules', native), { recursive: true })
  mkdirSync(join(folder, 'home'))
}

/** Gives the user a name and a range of ids, in an /etc of the world. No file is mounted there: homes could not cover it. */
async function grantIds(world: World): Promise<void> {
  const script = `
    set -e
    mkdir /run/etc /run/etc-work
    mount -t overlay -o lowerdir=/etc,upperdir=/run/etc,workdir=/run/etc-work overlay /etc
    echo netlab-user:x:${UID}:${UID}::/:/bin/sh >>/etc/passwd
    echo ${UID}:200000:65536 | tee -a /etc/subuid >>/etc/subgid`
  const { code, stderr } = await world.run(['sh', '-c', script])
  if (code !== 0) throw new Error(stderr)
}

/**
 * Sets up an ordinary user. If root runs the tests, the user is in a world of the test, without a name and a range of ids unless
 * `ids` grants them; otherwise it is the user who runs the tests, in a sandbox with a name of its own.
 */
export async function openUser({ ids = false } = {}): Promise<User> {
  const root = process.geteuid?.() === 0
  const world = root ? await openWorld() : undefined
  if (ids && world) await grantIds(world)
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
    async netlab(args, options) {
      const outcome = await start([process.execPath, join(folder, 'dist/netlab.cjs'), ...args], options)
      checkDocument(args, outcome)
      return outcome
    },
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
