import { impaired } from '../kinds/faulted.ts'
import { qdisc } from '../kinds/qdisc.ts'
import type { Timeline, TimelineStep } from '../model/timeline.ts'

/** The names of the features and programs that timelines of faults need. */
export function faultNeeds(timelines: Iterable<Timeline>): Set<string> {
  const steps = [...timelines].flatMap((timeline) => timeline.steps)
  return new Set(steps.length ? ['nft', 'nf_tables', ...steps.flatMap(needsOf)] : [])
}

function needsOf(step: TimelineStep): string[] {
  if (step.do === 'cut') return ['nft_ingress']
  if (step.do !== 'impair') return []
  const { settings, to, from } = step
  // Which addresses these are makes no difference.
  const some = ['192.0.2.0/24']
  const mark = {
    settings,
    ...(to !== undefined && { to: some }),
    ...(from !== undefined && { from: some }),
    before: [],
  }
  const queue = impaired({ namespace: '' }, '', [mark])
  return queue ? [...(qdisc.requires?.(queue) ?? [])] : []
}
