import { accessSync, appendFileSync, chmodSync, chownSync, constants } from 'node:fs'
import { copyFileSync, existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Outcome } from '../../model/command.ts'
import { HOME_NOTES, noteOf } from '../../model/live-home.ts'
import type { FileOperation } from '../../model/operation.ts'
import type { Place } from '../../model/place.ts'
import { attempt } from './files.ts'
import { homeOf } from './homes.ts'
import { childProcesses } from './programs.ts'
import { withinRoot } from './within-root.ts'

export function changeFile(operation: FileOperation & { readonly place: Place }): Outcome {
  const { place, path } = operation
  const pid = homeOf(place.netns ?? '')
  if (pid === undefined) return failed(`the home of ${place.netns} is gone`)
  const root = `/proc/${pid}/root`
  const note = root + noteOf(path)
  try {
    const real = withinRoot(root, path)
    if (operation.do === 'file.delete') {
      restore(path, real)
      if (path === '/etc/hosts') writeFileSync(`${root}${HOME_NOTES}/loopback`, '127.0.0.1 localhost\n::1 localhost')
      rmSync(note, { force: true })
    } else {
      const content = 'text' in operation ? operation.text : Buffer.from(operation.base64, 'base64')
      writeFileSync(note, `file ${path}`)
      // Without this note, the names of the lab are not written to the file (src/model/names.ts).
      if (path === '/etc/hosts') rmSync(`${root}${HOME_NOTES}/loopback`, { force: true })
      makeWritable(pid, root, dirname(real))
      mkdirSync(dirname(real), { recursive: true })
      rmSync(real, { force: true }) // the machine's, which an ordinary user cannot copy to change it
      writeFileSync(real, content)
      chownSync(real, operation.uid, operation.gid)
      chmodSync(real, Number.parseInt(operation.mode, 8))
    }
    return { code: 0, stdout: '', stderr: '' }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const remedy = `\nnetlab apply --replace ${place.netns}/home makes the home anew, with that file.`
    return failed(message.replaceAll(root, '') + (code === 'EACCES' ? remedy : ''))
  }
}

/**
 * Gives the folder, or what exists of its path, a layer of its own where it is read-only: in the sandbox of an ordinary user the
 * machine's folders belong to nobody, and the kernel copies none of them to the layer of the home. A folder that is closed to
 * the user is replaced by an empty one.
 */
function makeWritable(pid: number, root: string, folder: string): void {
  if (!existsSync(folder)) return makeWritable(pid, root, dirname(folder))
  const may = (mode: number): boolean => attempt(() => (accessSync(folder, mode), true)) ?? false
  if (may(constants.W_OK | constants.X_OK)) return
  const inside = folder.slice(root.length)
  const mount = (...words: string[]): unknown =>
    childProcesses().spawnSync('nsenter', [`--mount=/proc/${pid}/ns/mnt`, '--', 'mount', '-n', ...words, inside])
  if (may(constants.X_OK)) {
    const [upper, work] = ['up', 'work'].map((side) => `${HOME_NOTES}/${side}${inside.replaceAll('/', '+')}`)
    for (const side of [upper, work]) mkdirSync(root + side, { recursive: true })
    mount('-t', 'overlay', '-o', `lowerdir=${inside},upperdir=${upper},workdir=${work}`, 'overlay')
  } else mount('-t', 'tmpfs', '-o', 'mode=755', 'netlab')
  appendFileSync(`${root}${HOME_NOTES}/layers`, `${inside}\n`)
}

const failed = (stderr: string): Outcome => ({ code: 1, stdout: '', stderr })

/** Puts the machine's own file back where there is one; else removes what is there. */
function restore(path: string, real: string): void {
  rmSync(real, { force: true })
  const own = statSync(path, { throwIfNoEntry: false })
  if (!own?.isFile()) return
  copyFileSync(path, real)
  chownSync(real, own.uid, own.gid)
  chmodSync(real, own.mode & 0o7777)
}
