// Shared by the benchmarks: private namespaces, and statistics of times.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'

/** The least of some numbers that this part of them does not exceed: 0.95, 1. */
export const percentile = (times, part) => [...times].sort((a, b) => a - b)[Math.ceil(times.length * part) - 1]

/** The median of some numbers. */
export const median = (times) => [...times].sort((a, b) => a - b)[times.length >> 1]

/**
 * Starts this program again in private mount, network and process namespaces with an empty /run, unless it is in them already.
 * Nothing in them is visible outside, and everything goes when the program ends, also by Ctrl-C. Returns a folder for files.
 */
export function inside() {
  if (process.env.NETLAB_BENCH) return process.env.NETLAB_BENCH
  if (process.geteuid() !== 0) {
    console.error('The benchmark makes namespaces: run it as root.')
    process.exit(1)
  }
  const script =
    'mount -t proc proc /proc && mount -t sysfs sysfs /sys && mount -t tmpfs tmpfs /run && mkdir /run/netns && ip link set dev lo up && exec "$@"'
  const start = [
    '-m',
    '-n',
    '-p',
    '-f',
    '--kill-child',
    'sh',
    '-c',
    script,
    'sh',
    process.execPath,
    ...process.argv.slice(1),
  ]
  const folder = mkdtempSync(join(tmpdir(), 'netlab-bench-'))
  // Node would read these certificates whenever it starts; src/launch.sh, which is not measured here, keeps that from netlab.
  delete process.env.NODE_EXTRA_CA_CERTS
  const world = spawn('unshare', start, { stdio: 'inherit', env: { ...process.env, NETLAB_BENCH: folder } })
  // The inner program is process 1 of its namespace, which ignores signals without a handler, and unshare forwards none.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.once(signal, () => {
      process.exitCode = 128 + constants.signals[signal]
      world.kill('SIGKILL')
    })
  world.on('error', (error) => console.error(`unshare: ${error.message}`))
  world.on('close', (code) => {
    process.exitCode ??= code ?? 1
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  })
  return undefined
}

/** A table in Markdown; columns of numbers are right-aligned. */
export function table(head, rows) {
  const width = head.map((title, i) => Math.max(title.length, ...rows.map((row) => String(row[i]).length)))
  const isNumber = head.map((_, i) => rows.every((row) => /^[\d.–-]/.test(String(row[i]))))
  const line = (cells) =>
    `| ${cells.map((cell, i) => String(cell)[isNumber[i] ? 'padStart' : 'padEnd'](width[i])).join(' | ')} |`
  const rule = `| ${width.map((n, i) => '-'.repeat(n - 1) + (isNumber[i] ? ':' : '-')).join(' | ')} |`
  return [line(head), rule, ...rows.map(line)].join('\n')
}
