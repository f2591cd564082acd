import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type * as Threading from 'node:worker_threads'
import { visible } from '../model/text.ts'

/**
 * The numbers that the thread of the status line (status-thread.ts) shares with the main thread. `lock` is held by the one that
 * writes to the terminal; `active`: there is something to show; `width`: how many columns are shown now; `size`: of the text, in bytes;
 * `quiet`: when netlab last printed something, in milliseconds after the start; `columns`: of the terminal.
 */
export const slot = { lock: 0, active: 1, width: 2, size: 3, quiet: 4, columns: 5, pause: 6 } as const
/** How many bytes the numbers take, and the text behind them. */
export const sizes = { numbers: 32, text: 512 } as const

/** What the thread is given: the shared memory, and when netlab started, as Date.now() counts. */
export interface StatusData {
  readonly memory: SharedArrayBuffer
  readonly started: number
}

/** Takes the lock of the status line, waiting for the other thread, calls `act`, and releases it. */
export function locked(slots: Int32Array, act: () => void): void {
  while (Atomics.compareExchange(slots, slot.lock, 0, 1) !== 0) Atomics.wait(slots, slot.lock, 1, 5)
  try {
    act()
  } finally {
    Atomics.store(slots, slot.lock, 0)
    Atomics.notify(slots, slot.lock)
  }
}

interface Line {
  readonly slots: Int32Array
  readonly text: Buffer
  readonly started: number
}
let line: Line | undefined

/**
 * Says what netlab is doing now. When a terminal has seen nothing new for about a second, a thread shows it there, with the seconds since the
 * start, also while the main thread is busy. Does nothing where standard error is not a terminal.
 */
export function stage(text: string): void {
  if (!process.stderr.isTTY) return
  const { slots, text: shared } = (line ??= open())
  locked(slots, () => {
    slots[slot.size] = shared.write(visible(text).slice(0, sizes.text / 4))
    slots[slot.columns] = process.stderr.columns || 80
    slots[slot.active] = 1
    Atomics.notify(slots, slot.active)
  })
}

/** Removes the status line, until the next stage. */
export function idle(): void {
  if (line) aside(() => (line!.slots[slot.active] = 0))
}

/** Calls a function that prints something, which takes the place of the status line. */
export function aside(print: () => void): void {
  if (!line) return print()
  const { slots, started } = line
  locked(slots, () => {
    // It is overwritten by spaces, not by an escape sequence, which --no-color excludes.
    if (slots[slot.width]) process.stderr.write(`\r${' '.repeat(slots[slot.width]!)}\r`)
    slots[slot.width] = 0
    print()
    slots[slot.quiet] = Date.now() - started
  })
}

function open(): Line {
  const { Worker } = createRequire(__filename)('node:worker_threads') as typeof Threading // loaded on demand
  const memory = new SharedArrayBuffer(sizes.numbers + sizes.text)
  const started = Math.round(performance.timeOrigin)
  const workerData: StatusData = { memory, started }
  const worker = new Worker(join(dirname(__filename), 'status.cjs'), { workerData, trackUnmanagedFds: false })
  worker.unref()
  worker.on('error', () => {}) // without the thread nothing is shown, and everything else works
  return { slots: new Int32Array(memory, 0, sizes.numbers / 4), text: Buffer.from(memory, sizes.numbers), started }
}
