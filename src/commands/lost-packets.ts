import { addressOf, splitPort, type LabIndex } from '../checks/lab-index.ts'
import { survey } from '../checks/survey.ts'
import { stage } from '../host/status-line.ts'
import type { Lab } from '../language/load-lab.ts'
import type { Check } from '../model/check.ts'
import type { Way } from '../model/packet-way.ts'
import type { Runner } from '../model/runner.ts'
import type { Live } from '../observe/read.ts'
import { leastSize } from '../walk/needles.ts'
import { walk, type WalkRequest } from '../walk/walk.ts'
import { namingFaults, walkKit, type WalkOver } from './live-trace.ts'
import { readRequestOf } from './prepare.ts'

/** In labs with more namespaces nobody looks: the kernel takes about 30 ms to watch each. */
const WIDEST = 256

/**
 * Sends a packet like that of each check in the live lab, all of them together, and returns where each was lost; undefined when
 * that cannot be found out.
 */
export async function findLost(
  checks: readonly Check[],
  lab: Lab,
  live: Live,
  runner: Runner,
  over?: WalkOver,
): Promise<(string | undefined)[]> {
  const labIndex = survey(lab, live)
  if (labIndex.nodes.size > WIDEST) return []
  stage('Looking where packets are lost …')
  try {
    const request = readRequestOf(lab.name, lab)
    const packets = checks.map((check) => packetOf(check, labIndex))
    const ways = await walk(packets, walkKit({ ...lab, request }, live, labIndex, runner, over))
    return ways.map((way) => lostWords(namingFaults(way, live)))
  } catch {
    return [] // the checks have failed in any case; only their explanation is missing
  }
}

/** The packet of a check of ping, tcp or udp. */
function packetOf({ from, ping, tcp, udp, mtu }: Check, labIndex: LabIndex): WalkRequest {
  const to = tcp ?? udp ?? ping ?? ''
  if (ping !== undefined) {
    const address = addressOf(labIndex, ping)
    return { from, to, protocol: 'icmp', address, ...(mtu !== undefined && mtu >= leastSize(address) && { size: mtu }) }
  }
  const { host, port } = splitPort(to)
  return { from, to, protocol: tcp === undefined ? 'udp' : 'tcp', address: addressOf(labIndex, host), port }
}

function lostWords({ verdict, reason, at }: Way): string {
  if (verdict === 'answered') return 'it was answered when it was sent again'
  const source = at?.rule?.source
  return source === undefined ? reason : `${reason} (${source})`
}
