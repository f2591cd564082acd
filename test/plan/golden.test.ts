import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createColors } from 'picocolors'
import { loadLab } from '../../src/language/load-lab.ts'
import { pinned } from '../../src/observe/inherited.ts'
import type { Resource, Resources } from '../../src/model/resource.ts'
import { makePlan } from '../../src/plan/make-plan.ts'
import { below } from '../../src/plan/order.ts'
import { schedule } from '../../src/run/schedule.ts'
import { planJson } from '../../src/views/json.ts'
import { renderCommands, renderPlan } from '../../src/views/plan-text.ts'

/**
 * Every folder of test/plans is a case: lab.yaml, and what is live: live.yaml (a lab file that was applied) or live.json
 * (resources), or neither (nothing is live). With neither lab.yaml the lab is destroyed. plan.txt, plan.json and
 * commands.txt are exactly what people and programs then get. `UPDATE=1 npx jest test/plan/golden` writes them anew.
 */
const folder = join(__dirname, '../plans')

function expanded(file: string): Resources {
  const text = readFileSync(file, 'utf8')
  const beside = (): never => {
    throw new Error('goldens stand alone')
  }
  return loadLab({ file, text, readBeside: beside, keyFile: beside }).resources
}

/** As the kernel would tell it: where it was written is forgotten, and bridges have the MTU of their ports. */
const forgotten = (resources: Resources): Resources =>
  new Map(
    [...resources].map(([id, { source: _, ...r }]) => {
      const follows = r.kind === 'bridge' && r.spec['mtu'] === undefined
      return [id, follows ? { ...r, spec: { ...r.spec, mtu: 1500, mtuFollows: true } } : r]
    }),
  )

const plain = createColors(false)

test.each(readdirSync(folder))('%s', (name) => {
  const at = (file: string): string => join(folder, name, file)
  const wanted: Resources = existsSync(at('lab.yaml')) ? expanded(at('lab.yaml')) : new Map()
  const live: Resources = existsSync(at('live.yaml'))
    ? forgotten(expanded(at('live.yaml')))
    : existsSync(at('live.json'))
      ? new Map((JSON.parse(readFileSync(at('live.json'), 'utf8')) as Resource[]).map((r) => [r.id, r]))
      : new Map()
  const adopts = name === 'adopt' ? ['ns0'] : []
  const destroy = !existsSync(at('lab.yaml'))
  const desired = pinned(wanted, live)
  const plan = makePlan({ lab: 'case', desired, live, adopts })
  const json = planJson(schedule(plan, (id) => below(id, desired)))
  const results = {
    'plan.txt': renderPlan(json, destroy ? 'lab case' : 'lab.yaml', plain, destroy),
    'plan.json': `${JSON.stringify(json, null, 2)}\n`,
    'commands.txt': renderCommands(json),
  }
  for (const [file, text] of Object.entries(results)) {
    if (process.env['UPDATE']) writeFileSync(at(file), text)
    expect(text).toBe(readFileSync(at(file), 'utf8'))
  }
})
