import { release } from 'node:os'
import type { Host } from '../model/host.ts'
import { attach } from './local/attach.ts'
import { userConfines } from './local/confines.ts'
import { exists, find, list, open, pieces, readFile, status } from './local/files.ts'
import { changeFile } from './local/home-files.ts'
import { homeOf } from './local/homes.ts'
import { logFolder, processes } from './local/lab-processes.ts'
import { lock } from './local/lock.ts'
import { isServed, knock, waitForKnock } from './local/sockets.ts'
import { run, signal, start } from './local/programs.ts'
import { self } from './local/self.ts'
import { end, residents, strangers } from './local/strangers.ts'
import { userSandboxes } from './local/user-sandboxes.ts'

const isRoot = process.geteuid?.() === 0

/** The machine that netlab itself runs on. */
export const thisMachine: Host = {
  isLocal: true,
  isSandbox: false,
  isRoot,
  kernel: release(),
  self,
  env: process.env,
  otherWorlds: userSandboxes,
  confines: () => (isRoot ? undefined : userConfines()),
  explain: () => undefined,
  run,
  start,
  startLasting: start,
  startApart: async (argv) => (await import('./sandbox/apart.ts')).startApart(argv),
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
  isLocked: isServed,
  waitForKnock,
  knock,
  processes,
  homeOf,
  changeFile,
  strangers,
  residents,
  end,
  logFolder,
}
