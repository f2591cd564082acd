import { NEAR } from '../model/other-machine.ts'
import { FORMAT, type PlanJson } from '../views/json.ts'

/** The plans of several machines, by machine, as one; what happens on another machine says on which. */
export function mergedPlan(lab: string, plans: ReadonlyMap<string, PlanJson>): PlanJson {
  const summary = { create: 0, update: 0, replace: 0, delete: 0 }
  const all = [...plans].map(([name, plan]) => ({ plan, on: name === NEAR ? {} : { machine: name } }))
  for (const { plan } of all) for (const action of actions) summary[action] += plan.summary[action]
  const faults = all.flatMap(({ plan }) => plan.faults ?? [])
  return {
    format_version: FORMAT,
    lab,
    adopts: all.flatMap(({ plan }) => plan.adopts),
    foreign_processes: all.flatMap(({ plan }) => plan.foreign_processes),
    changes: all.flatMap(({ plan, on }) => plan.changes.map((change) => ({ ...change, ...on }))),
    summary,
    ...(faults.length && { faults }),
    steps: all.flatMap(({ plan, on }) => plan.steps.map((step) => ({ ...step, ...on }))),
  }
}

const actions = ['create', 'update', 'replace', 'delete'] as const
