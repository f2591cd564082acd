import { attributes, messages } from './answer.ts'
import type { System } from './libc.ts'
import { encode, flags } from './message.ts'

/** How many neighbours of each family a kernel keeps, for all its namespaces together. */
export type NeighborRoom = Readonly<Record<4 | 6, number>>

/** RTM_NEWNEIGHTBL, RTM_GETNEIGHTBL (linux/rtnetlink.h), NDTA_THRESH3 (linux/neighbour.h), and the messages that end an answer. */
const [NEW_TABLE, GET_TABLES, NDTA_THRESH3, NLMSG_ERROR, NLMSG_DONE, NDTMSG] = [64, 66, 4, 2, 3, 4]
/** struct ndt_stats has eleven counters of 64 bits (linux/neighbour.h): the last one is `ndts_table_fulls`. */
const [NDTA_STATS, TABLE_FULLS] = [7, 80]
const FAMILIES: Readonly<Record<number, 4 | 6>> = { 2: 4, 10: 6 }
/** The kernel's own limit, where it does not say. */
const DEFAULT = 1024

/**
 * Asks the kernel for its limits (gc_thresh3). Only the machine's own namespace has them under /proc/sys/net; every namespace has them by
 * netlink (neightbl_fill_info in net/core/neighbour.c).
 */
export function neighborRoom(system: System): NeighborRoom {
  const room = { 4: DEFAULT, 6: DEFAULT }
  tablesOf(system, (family, name, answer, at) => {
    if (name === NDTA_THRESH3) room[family] = answer.readUInt32LE(at)
  })
  return room
}

/** How often since the boot the kernel had no room for a neighbour (`table_fulls`), of both families together. Also in a namespace. */
export function neighborsRefused(system: System): number {
  let sum = 0
  tablesOf(system, (_, name, answer, at) => {
    if (name === NDTA_STATS) sum += Number(answer.readBigUInt64LE(at + TABLE_FULLS))
  })
  return sum
}

/** Calls `found` with each attribute of the kernel's tables of neighbours, which is at a place in an answer. */
function tablesOf(system: System, found: (family: 4 | 6, name: number, answer: Buffer, at: number) => void): void {
  const answer = Buffer.alloc(64 << 10)
  const request = encode({ type: GET_TABLES, flags: flags.dump, header: new Uint8Array(NDTMSG), attributes: [] }).bytes
  const socket = system.socket(undefined, 0)
  let isOver = socket < 0 || system.libc.send(socket, request, request.length, 0) < 0
  while (!isOver) {
    const length = system.receive(socket, answer)
    isOver = length <= 0
    messages(answer, { from: 0, to: length }, (type, at, end) => {
      isOver ||= type === NLMSG_DONE || type === NLMSG_ERROR
      const family = FAMILIES[answer[at]!]
      if (type === NEW_TABLE && family)
        attributes(answer, at + NDTMSG, end, (name, value) => found(family, name, answer, value))
    })
  }
}
