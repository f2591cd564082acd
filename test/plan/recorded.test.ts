import { cases, dumpsFolder, labOf } from '../support/recorded.ts'
import { pretend } from '../support/kernel.ts'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createColors } from 'picocolors'
import { commandOf } from '../../src/backend/iproute/command-of.ts'
import { thisMachine } from '../../src/host/this-machine.ts'
import { locate } from '../../src/commands/locate.ts'
import { openLocated } from '../../src/commands/open-located.ts'
import { prepare, type PlanOptions } from '../../src/commands/prepare.ts'
import { kinds } from '../../src/kinds/index.ts'
import type { Plan } from '../../src/model/change.ts'
import { shell } from '../../src/model/command.ts'
import { firstLine } from '../support/record/tape.ts'
import { planJson } from '../../src/views/json.ts'
import { renderPlan } from '../../src/views/plan-text.ts'

/**
 * The plans from what was recorded: to nothing (`destroy`), to every lab file of the case that is not the one that stands there,
 * and from nothing to that one (`create`). NAME.plan has the plan as people read it, and its steps by wave and stage.
 * `UPDATE=1 npx jest test/plan/recorded` writes them anew.
 */
const plans: readonly { name: string; to: string; up: boolean; options: PlanOptions }[] = cases.flatMap((name) => [
  // The machine's own namespace was recorded with the lab's devices in it.
  ...(name === 'machine' ? [] : [{ name, to: 'create', up: false, options: {} }]),
  { name, to: 'destroy', up: true, options: { destroy: true } },
  ...readdirSync(join(dumpsFolder, name)).flatMap((file) => {
    const [, to] = /^(.*)\.yaml$/.exec(file) ?? []
    return to === undefined || to === 'lab' ? [] : [{ name, to, up: true, options: {} }]
  }),
])

/** The plan of a case. */
async function planned({ name, to, up, options }: (typeof plans)[number]): Promise<Plan> {
  const other = join(dumpsFolder, name, `${to}.yaml`)
  const located = locate(existsSync(other) ? other : labOf(name))
  return (await prepare(located, openLocated(located, thisMachine), pretend(name, up).runner, options)).plan
}

/** Steps by wave; each with its stage, and its command as people type it, of scripts the first line. */
const steps = (plan: Plan): string =>
  plan.steps
    .map(({ wave, stage, operation }, i) => {
      const head = plan.steps[i - 1]?.wave === wave ? '' : `\nwave ${wave}\n`
      const command = commandOf(operation)
      const argv = command.argv.map((word, at) => (command.argv[at - 1] === '-c' ? `{ ${firstLine(word)} … }` : word))
      const line = shell({ ...command, argv })
        .replaceAll('\n', '\n    ')
        .replaceAll(dumpsFolder, '')
      return `${head}  ${stage}: ${line}\n`
    })
    .join('')

test.each(plans.map((one) => [one.name, one.to, one] as const))('%s: %s', async (name, to, one) => {
  const plan = await planned(one)
  const text = renderPlan(planJson(plan), `${to}.yaml`, createColors(false), to === 'destroy') + steps(plan)
  const path = join(dumpsFolder, name, `${to}.plan`)
  if (process.env['UPDATE']) writeFileSync(path, text)
  expect(text.split('\n')).toEqual(readFileSync(path, 'utf8').split('\n'))
})

/** What never happens to a kind, and why. */
const never: Readonly<Record<string, readonly string[]>> = {
  namespace: ['change'], // it has nothing that could change
  share: ['change'],
  loopback: ['create', 'delete'], // the kernel's
  existing: ['create', 'change', 'delete'], // the machine's own
  borrowed: ['create', 'change', 'delete'], // somebody else's
  sysctl: ['delete'], // it is set to something else
  wg: ['delete'], // it goes with its interface
  'macsec-keys': ['delete'],
  fou: ['create', 'change', 'delete'], // recorded kernels have not loaded it: test/vm/drift.mjs and adopt.mjs change it
  ethtool: ['delete'],
  setup: ['create', 'change', 'delete'], // its namespace would be one with `others: keep`: test/kernel/processes.test.ts
  rule: ['change'], // its id says all of it
  mdb: ['change'],
  // What is in a home is recorded nowhere: test/kernel/home.test.ts changes it.
  home: ['change'],
  folder: ['create', 'change', 'delete'],
  file: ['create', 'change', 'delete'],
  // No lab can ask for it; test/observe/recorded.test.ts has one deleted.
  device: ['create', 'change', 'delete'],
}

test('every kind is made, changed and removed in one of them', async () => {
  const seen = new Set<string>()
  for (const one of plans)
    for (const { kind, action } of (await planned(one)).changes)
      seen.add(`${kind} ${action === 'update' || action === 'replace' ? 'change' : action}`)
  const all = [...kinds.keys()].flatMap((kind) =>
    ['create', 'change', 'delete'].map((action) => [kind, action] as const),
  )
  const missing = all.filter(([kind, action]) => !never[kind]?.includes(action) && !seen.has(`${kind} ${action}`))
  expect(missing.map((words) => words.join(' '))).toEqual([])
})
