import { writeSync } from 'node:fs'
import { workerData } from 'node:worker_threads'
import { locked, sizes, slot, type StatusData } from './status-line.ts'

/** For how long nothing must have been printed before the status line appears, and how often it is looked at, in milliseconds. */
const [SILENCE, INTERVAL] = [700, 100]

const { memory, started } = workerData as StatusData
const slots = new Int32Array(memory, 0, sizes.numbers / 4)
const text = Buffer.from(memory, sizes.numbers)

/** What is shown now. */
let shown = ''

function show(): void {
  const now = Date.now() - started
  if (slots[slot.width] === 0) shown = ''
  if (!slots[slot.active] || (shown === '' && now - slots[slot.quiet]! < SILENCE)) return
  const time = `  ${(now / 1000).toFixed(1)} s`
  const line = text.toString('utf8', 0, slots[slot.size]).slice(0, slots[slot.columns]! - time.length - 1) + time
  if (line === shown) return
  try {
    writeSync(2, `\r${line.padEnd(slots[slot.width]!)}`)
  } catch {
    return // the terminal takes nothing at the moment
  }
  slots[slot.width] = Math.max(line.length, slots[slot.width]!)
  shown = line
}

for (;;) {
  Atomics.wait(slots, slot.active, 0)
  locked(slots, show)
  Atomics.wait(slots, slot.pause, 0, INTERVAL)
}
