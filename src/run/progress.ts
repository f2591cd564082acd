import { commandOf } from '../backend/iproute/command-of.ts'
import { idle, stage } from '../host/status-line.ts'
import { shell } from '../model/command.ts'
import type { Step } from '../model/change.ts'
import { visible } from '../model/text.ts'
import type { Progress } from './execute.ts'

/** Shows progress: on a terminal the next step in the status line, elsewhere a line per step. */
export function showProgress(stream: NodeJS.WriteStream): Progress {
  if (!stream.isTTY) return lines(stream)
  let text: (() => string) | undefined
  return {
    done(_, count, total, next) {
      // Steps that end at the same time change the line once.
      if (!text)
        setImmediate(() => {
          if (text) stage(text())
          text = undefined
        })
      text = next && (() => `${next.stage} ${count}/${total}  ${firstLine(next)}`)
    },
    end() {
      text = undefined
      idle()
    },
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
