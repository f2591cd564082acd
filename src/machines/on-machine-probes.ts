import type { ReachMachine } from '../reach/reach-machine.ts'
import type { Doing } from '../session/conversation.ts'
import type { Watch } from '../walk/walk-machine.ts'
import type { MachineOperations } from './machine-protocol.ts'
import { pack, unpack } from './packed.ts'

type Probes = Pick<
  Doing<MachineOperations>,
  | ('watch' | 'sendWatched' | 'endWatch' | 'askRoutes')
  | ('listening' | 'neighbors' | 'ping' | 'listen' | 'stopListening' | 'tryServices')
>

/** What a machine does for packets that are sent through a lab which is on several. */
export function startProbes(): Probes {
  let watch: Watch | undefined
  let over = (): void => {}
  let reaching: Promise<ReachMachine> | undefined
  let stopListening = async (): Promise<void> => {}
  const walking = async () => (await import('../walk/watch-here.ts')).walkHere
  const tried = async <T>(act: () => Promise<T>): Promise<T> =>
    (await import('../commands/live-trace.ts')).orUntraceable(act)
  const reach = (): Promise<ReachMachine> =>
    (reaching ??= import('../reach/reach-here.ts').then(({ openReachHere }) => openReachHere()))
  return {
    async watch(request, emit) {
      const { watch: begin } = await walking()
      watch = await tried(() => begin(unpack(request), emit))
      const ended = new Promise<void>((done) => (over = done))
      emit(true)
      await ended
      return null
    },

    sendWatched: ({ flow, netns }) => tried(() => watch!.send(flow, netns)),

    async endWatch() {
      over()
      return pack(await watch!.end())
    },

    askRoutes: async (requests) => pack(await (await walking()).askRoutes(unpack(requests))),

    listening: async (hosts) => (await reach()).listening(unpack(hosts)),
    neighbors: async () => (await reach()).neighbors(),
    ping: async (request, emit) => pack(await (await reach()).ping(unpack(request), emit)),

    async listen(services) {
      const { opened, close } = await (await reach()).listen(unpack(services))
      stopListening = close
      return opened
    },

    async stopListening() {
      await stopListening()
      return null
    },

    async tryServices(request, emit) {
      const { hosts, questions } = unpack(request)
      return pack(await (await reach()).tryServices(hosts, questions, emit))
    },
  }
}
