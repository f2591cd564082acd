import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { execa } from 'execa'
import type { Outcome } from '../../src/model/command.ts'
import { checkDocument } from './documents.ts'

const checkout = resolve(__dirname, '../..')

export interface Options {
  readonly input?: string
  /** Added to the world's environment, which is small and the same on every machine. */
  readonly env?: Readonly<Record<string, string>>
  /** Default: the checkout. */
  readonly cwd?: string
  /** In seconds, default 50; a program that takes longer is ended, with code 124. */
  readonly timeout?: number
}

/**
 * A machine of its own for one test file, as far as networking goes: private network, mount and process namespaces,
 * an empty /run, lo up. Nothing in it can see or change the machine's own namespaces.
 */
export interface World {
  /** A temporary folder for the test's files; the world's HOME and state folders lie in it too. */
  readonly folder: string
  /** Whether it was made without root, in a user namespace. */
  readonly rootless: boolean
  /** The words before an argv that run it in the world, for programs that the test starts itself. */
  readonly enter: readonly string[]
  /** Runs a program to its end. Every exit code is an outcome; only a mistake of the test throws. */
  run(argv: readonly string[], options?: Options): Promise<Outcome>
  /** Runs the built netlab, as a user would. Throws if it prints a document that its schema does not describe. */
  netlab(args: readonly string[], options?: Options): Promise<Outcome>
  /** Ends every process in the world and removes everything that belonged to it. May be called again. */
  close(): Promise<void>
}

// Process 1 of the world. It prints its pid in the machine's pid namespace, so it mounts its own /proc only afterwards. It lives
// until its input is closed, so the world ends with the test's process, however that ends. Because it ignores SIGCHLD, the kernel
// reaps the orphans that process 1 inherits.
const first = `
  set -e
  read -r pid rest </proc/self/stat
  mount -t proc proc /proc
  mount -t sysfs sysfs /sys
  mount -t tmpfs tmpfs /run
  mkdir -p /run/netns
  ip link set dev lo up
  echo "$pid"
  exec env --ignore-signal=CHLD cat >/dev/null
`

// In a session of its own, so that Ctrl-C in the terminal does not prevent it from cleaning up.
const holder = `
  folder=$1 script=$2
  shift 2
  unshare --mount --net --pid --fork --kill-child "$@" sh -c "$script"
  code=$?
  rm -rf "$folder"
  exit "$code"
`

/** Opens a world. Throws with the tools' own words where the machine does not allow it. */
export async function openWorld(): Promise<World> {
  const rootless = process.getuid?.() !== 0
  const folder = mkdtempSync(join(tmpdir(), 'netlab-world-'))
  const environment = {
    PATH: `${process.env.PATH ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`,
    LC_ALL: 'C.UTF-8',
    HOME: folder,
    XDG_CONFIG_HOME: join(folder, 'config'),
    XDG_RUNTIME_DIR: join(folder, 'runtime'),
    XDG_STATE_HOME: join(folder, 'state'),
    TMPDIR: folder,
  }
  const user = rootless ? ['--user', '--map-root-user'] : []
  const child = spawn('sh', ['-c', holder, 'sh', folder, first, ...user], { detached: true, env: environment })
  const ended = once(child, 'close')
  child.stdin.on('error', () => {}) // it may be gone before its input is
  let complaint = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text))
  const started = once(child.stdout.setEncoding('utf8'), 'data') as Promise<[string]>
  const pid = await Promise.race([started.then(([text]) => text.trim()), ended.then(() => undefined)])
  if (pid === undefined) throw new Error(`no private namespaces on this machine: ${complaint.trim()}`)

  const enter = ['nsenter', ...(rootless ? ['--user', '--preserve-credentials'] : []), '--mount', '--net', '--pid']
  enter.push(`--target=${pid}`, '--')

  async function run(argv: readonly string[], options: Options = {}): Promise<Outcome> {
    const { input = '', env, cwd = checkout, timeout = 50 } = options
    // Entering a mount namespace changes the working folder to its root. Processes in there can only be ended from there.
    const [nsenter = '', ...placed] = [
      ...enter,
      'sh',
      '-c',
      'cd "$0" && exec timeout -k 2 "$@"',
      cwd,
      `${timeout}`,
      ...argv,
    ]
    const result = await execa(nsenter, placed, {
      input,
      env: { ...environment, ...env },
      extendEnv: false,
      reject: false,
      stripFinalNewline: false,
      maxBuffer: 1 << 30,
    })
    const code = result.exitCode ?? 128 + (result.signal ? constants.signals[result.signal] : 0)
    return { code, stdout: result.stdout, stderr: result.stderr }
  }

  const close = async (): Promise<void> => {
    child.stdin.end()
    await ended
  }

  const program = [process.execPath, join(checkout, 'dist/netlab.cjs')]
  async function netlab(args: readonly string[], options?: Options): Promise<Outcome> {
    const outcome = await run([...program, ...args], options)
    checkDocument(args, outcome)
    return outcome
  }

  return { folder, rootless, enter, run, netlab, close }
}
