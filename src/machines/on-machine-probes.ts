import type { Doing } from '../session/conversation.ts'
import type { Watch } from '../walk/walk-machine.ts'
import type { MachineOperations } from './machine-protocol.ts'
import { pack, unpack } from './packed.ts'

type Probes = Pick<Doing<MachineOperations>, 'watch' | 'sendWatched' | 'endWatch' | 'askRoutes'>

/** What a machine does for a packet that is sent through a lab which is on several. */
export function startProbes(): Probes {
  let watch: Watch | undefined
  let over = (): void => {}
  const walking = async () => (await import('../walk/watch-here.ts')).walkHere
  const tried = async <T>(act: () => Promise<T>): Promise<T> =>
    (await import('../commands/live-trace.ts')).orUntraceable(act)
  return {
    async watch(request, emit) {
      const { watch: begin } = await walking()
      watch = await tried(() => begin(unpack(request), emit))
      const ended = new Promise<void>((done) => (over = done))
      emit(true)
      await ended
      return null
    },

    sendWatched: ({ netns }) => tried(() => watch!.send(netns)),

    async endWatch() {
      over()
      return pack(await watch!.end())
    },

    askRoutes: async (requests) => pack(await (await walking()).askRoutes(unpack(requests))),
  }
}
