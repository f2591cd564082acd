// What the benchmarks share: a machine of their own, and times.
import { spawnSync } from 'node:child_process'

/** The middle one of some numbers. */
export const median = (times) => [...times].sort((a, b) => a - b)[times.length >> 1]

/**
 * Starts this program again in private mount, network and process namespaces with its own /run, unless it is there already:
 * nothing of it is seen outside, and all of it goes when it ends. Returns whether this is the inner one.
 */
export function inside() {
  if (process.env.NETLAB_BENCH) return true
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
  const { status } = spawnSync('unshare', start, { stdio: 'inherit', env: { ...process.env, NETLAB_BENCH: '1' } })
  process.exitCode = status ?? 1
  return false
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
