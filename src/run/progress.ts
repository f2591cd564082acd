import { commandOf } from '../backend/iproute/command-of.ts'
import { shell } from '../model/command.ts'
import type { Step } from '../model/change.ts'
import { visible } from '../model/text.ts'
import type { Progress } from './execute.ts'

/** How often the line on a terminal is redrawn, in milliseconds. */
const INTERVAL = 80

/** Shows progress: on a terminal one line that is redrawn, elsewhere a line per step. */
export function showProgress(stream: NodeJS.WriteStream): Progress {
  const started = Date.now()
  const seconds = (): string => `${((Date.now() - started) / 1000).toFixed(1)}s`
  if (!stream.isTTY) return lines(stream)
  let last = 0
  return {
    done(step, count, total) {
      const now = Date.now()
      if (now - last < INTERVAL && count < total) return
      last = now
      const line = `${step.stage} ${count}/${total} ${seconds()}  ${firstLine(step)}`
      stream.write(`\r\x1b[2K${line.slice(0, (stream.columns || 80) - 1)}`)
    },
    end: () => void stream.write('\r\x1b[2K'),
  }
}

/** A line per step; steps that end at the same time are written together. */
function lines(stream: NodeJS.WriteStream): Progress {
  let text = ''
  const write = (): void => {
    if (text) stream.write(text)
    text = ''
  }
  return {
    done(step, count, total) {
      if (!text) queueMicrotask(write)
      text += `[${count}/${total}] ${firstLine(step)}\n`
    },
    end: write,
  }
}

/** The first line of the command; instead of a script of netlab's own, the command that a person would type. */
function firstLine({ change, operation }: Step): string {
  const instead = operation.do === 'run' ? operation.instead : undefined
  const [line = ''] = (instead ?? shell(commandOf(operation))).split('\n', 1)
  return visible(instead === undefined ? line : `${change}: ${line}`)
}
