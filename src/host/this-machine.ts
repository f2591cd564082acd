import type { Host } from './host.ts'
import { attach } from './local/attach.ts'
import { exists, find, list, open, pieces, readFile, status } from './local/files.ts'
import { logFolder, processes } from './local/lab-processes.ts'
import { lock } from './local/lock.ts'
import { knock, waitForKnock } from './local/sockets.ts'
import { run, signal, start } from './local/programs.ts'
import { end, strangers } from './local/strangers.ts'

/** The machine that netlab itself runs on; in a sandbox, what the sandbox shows of it. */
export const thisMachine: Host = {
  run,
  start,
  attach,
  find,
  exists,
  status,
  readFile,
  list,
  open,
  pieces,
  signal,
  lock,
  waitForKnock,
  knock,
  processes,
  strangers,
  end,
  logFolder,
}
