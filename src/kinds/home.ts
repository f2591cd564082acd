import type { Kind } from '../model/kind.ts'
import { homeMark, type LiveHome } from '../model/live-home.ts'
import { running } from '../model/operation.ts'
import type { Resource } from '../model/resource.ts'
import { within } from './common.ts'
import { foldersOfFiles, homeId } from './file.ts'
import { ADD_OVERLAYS, END_HOME, MAKE_HOME } from './home-scripts.ts'
import { ofNamespace } from './lab-entry.ts'

export type HomeSpec = {
  readonly hostname: string
  /** Top folders with a layer of their own, besides /etc and /var: `/srv`. */
  readonly layers?: readonly string[]
  /** Live: the processes that keep it. */
  readonly pids?: readonly number[]
  /** Live: its network namespace was deleted. */
  readonly orphan?: true
}

/**
 * The mount and host-name namespace that the programs of a namespace share. It is kept by one sleeping process. Live ones are
 * made by `homeResource`, not from a dump.
 */
export const home: Kind<HomeSpec> = {
  name: 'home',
  read: () => [],
  describe: ({ hostname }) => `files of its own, host name ${hostname}`,
  published: ({ pids: _, ...spec }) => spec,
  toLab: (r) => ofNamespace(r, { hostname: r.spec.hostname }),
  needs: ({ namespace }) => [namespace],
  lostWith: ({ namespace }) => [namespace],
  lingers: () => true,

  compare: (live, desired) => [
    ...(live.orphan ? [{ field: 'namespace', forces: 'its namespace was deleted' }] : []),
    ...(live.hostname === desired.hostname
      ? []
      : [{ field: 'hostname', from: live.hostname, to: desired.hostname, forces: 'programs may have read it' }]),
    ...missingLayers(live, desired).map((layer) => ({ field: 'layer', to: layer })),
  ],

  create: (r, { lab, desired, hosts }) => {
    const { hostname, layers = [] } = r.spec
    const folders = [...(foldersOfFiles(desired).get(r.namespace) ?? [])].join('\n')
    const words = [hostname, hosts(), folders, ...layers]
    const argv = ['unshare', '--mount', '--uts', '--propagation', 'slave', '--', 'sh', '-c', MAKE_HOME, 'sh', ...words]
    const environment = { NETLAB_HOME: homeMark(lab, r.namespace) }
    const instead = `ip netns exec ${r.namespace} unshare --mount --uts sh -c 'hostname ${hostname}; …'`
    return [{ stage: 'make homes', operation: { ...within(r, ...argv), environment, instead } }]
  },

  update: ({ live, desired }) => {
    const layers = missingLayers(live.spec, desired.spec)
    const argv = ['sh', '-c', ADD_OVERLAYS, 'sh', ...layers]
    const instead = layers.map((layer) => `netlab exec ${desired.namespace} -- mount -t overlay … ${layer}`).join('; ')
    return [{ stage: 'make homes', operation: { ...within(desired, ...argv), home: true, instead } }]
  },

  remove: ({ namespace, spec: { pids = [] } }, { lab }) => {
    const argv = ['sh', '-c', END_HOME, 'sh', homeMark(lab, namespace), ...pids.map(String)]
    return [{ stage: 'remove homes', operation: { ...running({ argv }), instead: `kill -KILL ${pids.join(' ')}` } }]
  },
}

/** A layer that is not needed any more stays: programs may have written to it. */
const missingLayers = (live: HomeSpec, desired: HomeSpec): string[] =>
  (desired.layers ?? []).filter((layer) => !live.layers?.includes(layer))

/** The resource of a live home, without what is in it. */
export const homeResource = ({ namespace, hostname, layers, pids, orphan }: LiveHome): Resource<HomeSpec> => ({
  id: homeId(namespace),
  kind: 'home',
  namespace,
  spec: { hostname, ...(layers.length > 0 && { layers }), pids, ...(orphan && { orphan }) },
})
