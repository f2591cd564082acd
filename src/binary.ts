import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { getAsset } from 'node:sea'

/**
 * The start of the single binary (scripts/binary.mjs): node with all files of the package in it. Some of them must be files, for the kernel's
 * loader and for shells, so all are unpacked into the user's cache on the first run of a build. From there on it is the package.
 */
function main(): void {
  // A netlab on another machine has sent its own files (src/machines/boot.sh).
  process.argv[1] = process.execPath // src/host/local/self.ts
  const sent = process.env['NETLAB_HOME']
  const folder = sent ?? unpacked()
  createRequire(folder)(join(folder, 'dist/netlab.cjs'))
}

/** The folder with the files of this binary. */
function unpacked(): string {
  const { id, files } = JSON.parse(getAsset('index', 'utf8')) as { id: string; files: readonly string[] }
  const cache = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'netlab')
  const folder = join(cache, id)
  if (!isOwn(folder)) unpack(cache, folder, files)
  return folder
}

/** Whether a folder is there, and only this user can have filled it. */
function isOwn(folder: string): boolean {
  const status = statSync(folder, { throwIfNoEntry: false })
  return status !== undefined && status.uid === process.geteuid?.() && (status.mode & 0o022) === 0
}

/** Writes the files beside the folder and renames: a run that is killed, or another at the same time, leaves no half of one. */
function unpack(cache: string, folder: string, files: readonly string[]): void {
  mkdirSync(cache, { recursive: true })
  const partial = mkdtempSync(`${folder}.`)
  chmodSync(partial, 0o755)
  for (const file of files) {
    mkdirSync(dirname(join(partial, file)), { recursive: true })
    writeFileSync(join(partial, file), Buffer.from(getAsset(file)))
  }
  try {
    renameSync(partial, folder)
  } catch (error) {
    rmSync(partial, { recursive: true })
    if (!isOwn(folder)) throw error
  }
}

try {
  main()
} catch (error) {
  process.stderr.write(
    `netlab: cannot unpack itself: ${(error as Error).message}\nSet XDG_CACHE_HOME to a folder of yours.\n`,
  )
  process.exitCode = 1
}
