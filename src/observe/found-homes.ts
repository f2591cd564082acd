import { fileResource, filesDigest } from '../kinds/file.ts'
import { folderResource } from '../kinds/folder.ts'
import { homeResource } from '../kinds/home.ts'
import type { LiveHome } from '../model/live-home.ts'
import type { Resource } from '../model/resource.ts'

/** The resources of a live home: itself, its folders and its files. */
export const homeResources = (home: LiveHome): Resource[] => [
  homeResource(home),
  ...home.entries.map((entry) => (entry.kind === 'file' ? fileResource : folderResource)(home.namespace, entry)),
]

/**
 * By process (`NAMESPACE:NAME`), the digest of the files that it has loaded, if these are the files of its home; otherwise a
 * text that is no digest: it has to load them again.
 */
export function loadedIn(homes: readonly LiveHome[]): Map<string, string> {
  return new Map(
    homes.flatMap(({ namespace, entries, loaded }) => {
      const files = entries.flatMap((entry) => (entry.kind === 'file' ? [fileResource(namespace, entry).spec] : []))
      const present = filesDigest(files) ?? ''
      return [...loaded].map(([name, digest]): [string, string] => [name, digest === present ? digest : 'other files'])
    }),
  )
}
