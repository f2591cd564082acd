import type { Host } from '../model/host.ts'
import type { Resources } from '../model/resource.ts'
import { mustHaveAccounts } from './accounts.ts'
import { mustHaveTopFolders } from './home-layers.ts'
import { mustBeInstalled } from './missing-features.ts'

/** Throws a UserError when the machine lacks programs, folders or accounts that the lab needs. */
export async function mustRunHere(resources: Resources, host: Host): Promise<void> {
  mustBeInstalled(resources, host)
  mustHaveTopFolders(resources, host)
  await mustHaveAccounts(resources, host)
}
