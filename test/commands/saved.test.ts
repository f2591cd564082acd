import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openPlan, savePlan, type SavedPlan } from '../../src/commands/saved.ts'
import { mustBeFresh } from '../../src/commands/stale-plan.ts'
import { UserError } from '../../src/model/diagnostic.ts'

const folder = mkdtempSync(join(tmpdir(), 'netlab-saved-'))
const file = join(folder, 'plan')
const open = () => openPlan(file, readFileSync(file, 'utf8'))
afterAll(() => rmSync(folder, { recursive: true }))

const good: SavedPlan = {
  netlab_plan: 2,
  wishes: { target: ['a'] },
  file: 'lab.yaml',
  text: 'namespaces: {a: }',
  beside: {},
  parts: { here: { live: [], plan: { lab: 'lab', steps: [] } } },
}

const part = (of: object): Record<string, unknown> => ({ parts: { here: { ...good.parts['here'], ...of } } })

/** The codes of what is wrong with a file. */
function refused(work: () => unknown): string[] {
  try {
    work()
  } catch (error) {
    if (error instanceof UserError) return error.diagnostics.map(({ code }) => code)
    throw error
  }
  return []
}

test('what is written is read, and other files are none', () => {
  savePlan(file, good)
  expect(open()).toEqual(good)
  writeFileSync(file, good.text)
  expect(open()).toBeUndefined()
})

test.each<[string, Record<string, unknown>]>([
  ['another format', { netlab_plan: 1 }],
  ['wishes', { wishes: { target: 'a' } }],
  ['a wish', { wishes: { destroy: 'yes' } }],
  ['the text', { text: 7 }],
  ['files beside', { beside: { x: 1 } }],
  ['vars', { set: [['hosts', 3]] }],
  ['machines', { wishes: { skipMachine: 'a' } }],
  ['no parts', { parts: undefined }],
  ['nothing live', part({ live: undefined })],
  ['a live resource', part({ live: [null] })],
  ['the plan', part({ plan: 7 })],
  ['steps', part({ plan: { lab: 'lab', steps: {} } })],
])('a plan with a changed part is refused: %s', (_, part) => {
  writeFileSync(file, JSON.stringify({ ...good, ...part }))
  expect(refused(() => open())).toEqual(['bad-plan-file'])
})

test.each(['{"netlab_plan":2,"wis', '{"format_version":"1.0","netlab_plan":true}', '{"netlab_plan":[]}'])(
  '%s',
  (text) => {
    writeFileSync(file, text)
    expect(refused(() => open())).toEqual(['bad-plan-file'])
  },
)

test('options that no plan can be asked for are left out', () => {
  writeFileSync(file, JSON.stringify({ ...good, wishes: { force: true, replace: ['a'] } }))
  expect(open()?.wishes).toEqual({ replace: ['a'] })
})

test('a live state that no kind can compare is refused', () => {
  const live = [{ id: 'a', kind: 'nonsense', namespace: 'a', spec: {} }]
  expect(refused(() => mustBeFresh({ live, plan: { lab: 'lab', steps: [] } }, new Map()))).toEqual(['bad-plan-file'])
})

test('an interface of the machine on which something of the lab stands meanwhile makes no plan stale', () => {
  const nic = { id: 'm/eth0', kind: 'existing', namespace: 'm', spec: { up: true } }
  expect(refused(() => mustBeFresh({ live: [], plan: { lab: 'lab', steps: [] } }, new Map([[nic.id, nic]])))).toEqual(
    [],
  )
})
