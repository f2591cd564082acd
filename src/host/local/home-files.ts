import { chmodSync, chownSync, copyFileSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Outcome } from '../../model/command.ts'
import { HOME_NOTES, noteOf } from '../../model/live-home.ts'
import type { FileOperation } from '../../model/operation.ts'
import type { Place } from '../../model/place.ts'
import { homeOf } from './homes.ts'
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
      mkdirSync(dirname(real), { recursive: true })
      rmSync(real, { force: true }) // the machine's, which an ordinary user cannot copy to change it
      writeFileSync(real, content)
      chownSync(real, operation.uid, operation.gid)
      chmodSync(real, Number.parseInt(operation.mode, 8))
    }
    return { code: 0, stdout: '', stderr: '' }
  } catch (error) {
    return failed((error as Error).message.replaceAll(root, ''))
  }
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
