import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * That there was a sandbox, in the user's state folder. It decides nothing: what there is, /proc tells. It is only the
 * reason to say, when there is none, that there was one a moment ago.
 */
const fileOf = (name: string): string | undefined => {
  const { XDG_STATE_HOME: state, HOME: home } = process.env
  const folder = state || (home && join(home, '.local/state'))
  return folder && join(folder, 'netlab', `sandbox-${name}`)
}

/** Changes with every start of the machine, which takes all sandboxes with it. */
const boot = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()

const quietly = (name: string, work: (file: string) => void): void => {
  const file = fileOf(name)
  try {
    if (file !== undefined) work(file)
  } catch {
    // a home that cannot be written to costs only the message
  }
}

/** Notes that the sandbox is there now. */
export const remember = (name: string): void =>
  quietly(name, (file) => {
    mkdirSync(join(file, '..'), { recursive: true })
    writeFileSync(file, boot())
  })

/** Notes that the sandbox was ended because nothing was left in it. */
export const forget = (name: string): void => quietly(name, (file) => rmSync(file, { force: true }))

/** Whether a sandbox of this name was there since the machine was started, and nobody noted its end. */
export function isRemembered(name: string): boolean {
  let found = false
  quietly(name, (file) => (found = readFileSync(file, 'utf8') === boot()))
  return found
}
