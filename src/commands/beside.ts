import { readdirSync, statSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import type { FilesBeside } from '../language/expand-homes.ts'
import { fileBytes, textBeside } from './own-files.ts'

/** Files and folders by their absolute paths: those of the disk, or of a revision in git. */
export interface FileTree {
  readonly kind: (path: string) => 'file' | 'folder' | undefined
  /** The names in a folder, sorted. */
  readonly names: (folder: string) => readonly string[]
  /** The bytes of a file, and whether it is executable. Throws an Error when it cannot be read. */
  readonly read: (path: string) => { readonly bytes: Buffer; readonly executable: boolean }
}

/** A file or folder that a lab file names. */
export type FoundBeside = ReturnType<FilesBeside>

/** The ways to the files that a lab file names, relative to the lab file. */
export interface BesideLab {
  /** Reads a file. Throws as `readFileSync` does. */
  readonly beside: (path: string) => string
  /** The files that match a shell's pattern, sorted. */
  readonly listBeside: (pattern: string) => readonly string[]
  /** Reads a file or folder. Throws as `readFileSync` does. */
  readonly fileBeside: (path: string) => FoundBeside
}

/** The files of the machine that netlab itself runs on. */
export const disk: FileTree = {
  kind(path) {
    const stats = statSync(path, { throwIfNoEntry: false })
    return stats?.isDirectory() ? 'folder' : stats?.isFile() ? 'file' : undefined
  },
  names: (folder) => readdirSync(folder).sort(),
  read: (path) => ({ bytes: fileBytes(path), executable: (statSync(path).mode & 0o111) !== 0 }),
}

/** The ways to the files of a tree that a lab file in this folder names. */
export const besideIn = (tree: FileTree, folder: string): BesideLab => ({
  beside: (path) => textBeside(folder, path, (full) => tree.read(full).bytes),
  listBeside: (pattern) => matching(tree, folder, pattern),
  fileBeside: (path) => {
    const full = resolve(folder, path)
    const outside = relative(resolve(folder), full).startsWith('..')
    if (tree.kind(full) === 'folder') return { kind: 'folder', names: tree.names(full), outside }
    const { bytes, executable } = tree.read(full)
    return { kind: 'file', base64: bytes.toString('base64'), executable, outside }
  },
})

/** The files that match a pattern with `*`, `?` and `[…]`; as in a shell, hidden files do not match. */
function matching(tree: FileTree, folder: string, pattern: string): string[] {
  const kind = (path: string) => tree.kind(resolve(folder, path))
  const names = (path: string, part: string): readonly string[] => {
    if (!/[*?[]/.test(part)) return [part]
    const parts = part
      .replace(/[.+^${}()|\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')
    const shape = new RegExp(`^${parts.replaceAll('[!', '[^').replace(/\[(?![^[]*\])/g, '\\[')}$`)
    const all = kind(path || '.') === 'folder' ? tree.names(resolve(folder, path)) : []
    return all.filter((name) => shape.test(name) && (part.startsWith('.') || !name.startsWith('.')))
  }
  let paths = ['']
  for (const [i, part] of pattern.split('/').entries())
    paths = paths.flatMap((path) => names(path, part).map((name) => `${path}${i ? '/' : ''}${name}`))
  return paths.filter((path) => kind(path) === 'file')
}
