import { fileResource, filesDigest, type FileSpec } from '../kinds/file.ts'
import { folderResource } from '../kinds/folder.ts'
import { homeResource } from '../kinds/home.ts'
import type { LiveHome } from '../model/live-home.ts'
import type { Resource } from '../model/resource.ts'

/** The resources of live homes, and the files that their processes have loaded. */
export interface FoundHomes {
  /** The homes, with their folders and files. */
  readonly resources: readonly Resource[]
  /**
   * By process (`NAMESPACE:NAME`), the digest of the files that it has loaded, if these are the files of its home; otherwise a
   * text that is no digest: it has to load them again.
   */
  readonly loaded: ReadonlyMap<string, string>
}

export function foundHomes(homes: readonly LiveHome[]): FoundHomes {
  const resources: Resource[] = []
  const loaded = new Map<string, string>()
  for (const home of homes) {
    const { namespace, entries } = home
    const inside = entries.map((entry) => (entry.kind === 'file' ? fileResource : folderResource)(namespace, entry))
    resources.push(homeResource(home), ...inside)
    const files = inside.flatMap(({ kind, spec }) => (kind === 'file' ? [spec as FileSpec] : []))
    const present = filesDigest(files) ?? ''
    for (const [name, digest] of home.loaded) loaded.set(name, digest === present ? digest : 'other files')
  }
  return { resources, loaded }
}
