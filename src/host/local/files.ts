import * as fs from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FileStatus, OpenFile } from '../../model/host.ts'

/** How often a followed file is read, in milliseconds. */
const INTERVAL = 100

/** The result of `read`; undefined when it throws: the file does not exist any more, or may not be read. */
export const attempt = <T>(read: () => T): T | undefined => {
  try {
    return read()
  } catch {
    return undefined
  }
}

export const exists = (path: string): boolean => fs.existsSync(path)

export const readFile = (path: string): string | undefined => attempt(() => fs.readFileSync(path, 'utf8'))

export const list = (folder: string): string[] => attempt(() => fs.readdirSync(folder))?.sort() ?? []

const statusOf = (stats: fs.Stats): FileStatus => ({
  device: stats.dev,
  inode: stats.ino,
  size: stats.size,
  isFile: stats.isFile(),
  changed: stats.ctimeMs,
})

export function status(path: string): FileStatus | undefined {
  const stats = attempt(() => fs.statSync(path, { throwIfNoEntry: false }))
  return stats && statusOf(stats)
}

export function open(path: string): OpenFile | undefined {
  const fd = attempt(() => fs.openSync(path, 'r'))
  return fd === undefined
    ? undefined
    : {
        path: `/proc/${process.pid}/fd/${fd}`,
        status: statusOf(fs.fstatSync(fd)),
        close: () => fs.closeSync(fd),
      }
}

export async function* pieces(path: string, follow: boolean): AsyncGenerator<Uint8Array> {
  const fd = fs.openSync(path, 'r')
  const piece = Buffer.alloc(1 << 16)
  try {
    for (;;) {
      const length = fs.readSync(fd, piece)
      if (length > 0) yield piece.subarray(0, length)
      else if (!follow || fs.fstatSync(fd).nlink === 0) return
      else await sleep(INTERVAL)
    }
  } finally {
    fs.closeSync(fd)
  }
}

export function find(program: string): string | undefined {
  for (const folder of (process.env['PATH'] ?? '').split(':')) {
    const path = `${folder}/${program}`
    if (!fs.existsSync(path)) continue // asked first: an error takes Node ten times as long to make
    const found = attempt(() => {
      fs.accessSync(path, fs.constants.X_OK)
      return fs.realpathSync(path)
    })
    if (found !== undefined) return found
  }
  return undefined
}

/** The process ids that are visible here. */
export const pids = (): string[] => fs.readdirSync('/proc').filter((entry) => /^\d/.test(entry))

/** The inode of the network namespace that a process is in. */
export const netOf = (pid: string): number | undefined =>
  attempt(() => Number(/\d+/.exec(fs.readlinkSync(`/proc/${pid}/ns/net`))?.[0]))
