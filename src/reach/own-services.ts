import type { System } from '../backend/netlink/libc.ts'
import { familyOf } from '../model/cidr.ts'
import { SOCK_OF, socketAddress, type Sockets } from './probe-sockets.ts'
import type { OwnService, ReachMachine } from './reach-machine.ts'

/** How often waiting sockets are looked at, in milliseconds. */
const PAUSE = 5

/** `ReachMachine.listen`: connections are closed as soon as they are established, and datagrams sent back. */
export function listenOwn(
  services: readonly OwnService[],
  system: System,
  sockets: Sockets,
): Awaited<ReturnType<ReachMachine['listen']>> {
  const fds = services.map(({ host: { netns, address }, service: { protocol, port } }) => {
    if (!system.enter(netns)) return undefined
    const fd = sockets.open(familyOf(address), SOCK_OF[protocol], 0)
    if (sockets.listen(fd, socketAddress(address, port), SOCK_OF[protocol]) >= 0) return fd
    sockets.close(fd)
    return undefined
  })
  function answer(): void {
    for (const [i, fd] of fds.entries())
      if (fd === undefined) continue
      else if (services[i]?.service.protocol === 'tcp') sockets.discard(fd)
      else
        for (let length = sockets.receive(fd); length >= 0; length = sockets.receive(fd))
          sockets.send(
            fd,
            sockets.inbox,
            length,
            sockets.sender.subarray(0, sockets.sender.readUInt16LE(0) === 2 ? 16 : 28),
          )
  }
  const answering = setInterval(answer, PAUSE)
  return {
    opened: fds.map((fd) => fd !== undefined),
    async close() {
      clearInterval(answering)
      for (const fd of fds) if (fd !== undefined) sockets.close(fd)
    },
  }
}
