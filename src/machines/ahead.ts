import { RANGE, VALUE } from '../language/range-text.ts'
import { parsePlain } from '../language/yaml/plain.ts'
import type { Host } from '../model/host.ts'
import type { Fields } from '../model/fields.ts'
import { isCommand, isDestination, type Machine } from '../model/other-machine.ts'
import { farPeer, type Coming } from './connect.ts'

/** `machines` at the top of a lab file, with what is indented below. */
const MACHINES = /^machines:(?:[ \t]+#.*)?[ \t]*\n(?:(?:[ \t].*|[ \t]*#.*|)\n)+/m

/** The machines that are being connected to, by what the file says of them. */
const begun = new Map<string, Coming>()

const keyOf = (name: string, { ssh, run }: Machine): string => JSON.stringify([name, ssh, run])

/**
 * Begins to connect to the machines that a lab file seems to name, before it is parsed: of a large one, that takes as long as netlab
 * takes to start there. Those that are left out are named in `skip`.
 */
export function beginConnecting(host: Host, text: string, skip: readonly string[] = []): void {
  dropAhead()
  for (const [name, machine] of machinesAhead(text))
    if (!skip.includes(name)) begun.set(keyOf(name, machine), farPeer(host, name, machine))
}

/** Connects to a machine, unless that has begun. */
export function comingPeer(host: Host, name: string, machine: Machine): Coming {
  const key = keyOf(name, machine)
  const peer = begun.get(key) ?? farPeer(host, name, machine)
  begun.delete(key)
  return peer
}

/** Ends the connections that nobody has asked for: the file says something else than it seemed to. */
export function dropAhead(): void {
  for (const { end } of begun.values()) end()
  begun.clear()
}

const isWords = (list: unknown): list is readonly string[] =>
  Array.isArray(list) && list.every((word) => typeof word === 'string')

/** The machines of a lab file, as far as they are written in the plain way, and can be connected to as they are. */
function machinesAhead(text: string): [string, Machine][] {
  const [block = ''] = MACHINES.exec(text) ?? []
  const isAsItIs = block.search(RANGE) < 0 && block.search(VALUE) < 0
  const { machines } = ((isAsItIs ? parsePlain(block)?.value : undefined) ?? {}) as Fields
  return Object.entries((machines ?? {}) as Fields).flatMap(([name, machine]): [string, Machine][] => {
    const { ssh, run } = (machine ?? {}) as Fields
    if (run === undefined && typeof ssh === 'string') return isDestination(ssh) ? [[name, { ssh }]] : []
    return ssh === undefined && isWords(run) && isCommand(run) ? [[name, { run }]] : []
  })
}
