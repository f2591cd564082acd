import { UserError } from '../model/diagnostic.ts'
import type { Host } from '../model/host.ts'
import type { Runner } from '../model/runner.ts'
import { withFaults } from './faults.ts'
import { scale } from './schedule.ts'
import { ipRunner } from '../backend/iproute/ip-runner.ts'
import { openThreads } from '../backend/netlink/channel.ts'

/**
 * The runner of a host: the netlink runner where it works, else the one that spawns `ip`. `NETLAB_RUNNER=ip|netlink`
 * insists on one of them. Returns at once, while the runner still loads; its methods throw a UserError when the runner
 * that was insisted on does not work here. `size` is that of the lab file, in characters.
 */
export function startRunner(host: Host, size = 0): Runner {
  const chosen = choose(host, process.env['NETLAB_RUNNER'] || undefined, size >= scale.thread.file)
  chosen.catch(() => {}) // the callers await this promise; the handler only avoids an unhandled rejection
  const runner: Runner = {
    ...ipRunner(host),
    run: async (...of) => (await chosen).run(...of),
    list: async () => (await chosen).list(),
    foresee: (count) => void chosen.then((runner) => runner.foresee?.(count)),
    dump: async (...of) => (await chosen).dump(...of),
    inherited: async (keys) => (await chosen).inherited(keys),
    nftForms: async (texts) => (await (await chosen).nftForms?.(texts)) ?? [],
  }
  return withFaults(runner, process.env['NETLAB_FAULT'])
}

async function choose(host: Host, asked: string | undefined, large: boolean): Promise<Runner> {
  if (asked === 'ip' || (asked === undefined && !host.isLocal)) return ipRunner(host)
  if (asked !== undefined && asked !== 'netlink')
    throw UserError.of(
      'bad-option',
      `NETLAB_RUNNER is ${asked}`,
      'It can be ip or netlink; without it, netlink is used where it works.',
    )
  // Started at once, so that the thread of a large lab is ready by the time the file has been expanded.
  const threads = openThreads(scale, large)
  const { netlinkRunner } = await import('../backend/netlink/netlink-runner.ts')
  const unusable = await threads.one.unusable
  if (unusable === undefined) return netlinkRunner(threads, scale, host)
  if (asked === undefined) return ipRunner(host)
  throw UserError.of('runner-unusable', 'NETLAB_RUNNER=netlink does not work here', unusable)
}
