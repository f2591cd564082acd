import { listedIn, repeats, restrict, touchedBy } from '../../src/plan/listed.ts'
import { makePlan } from '../../src/plan/make-plan.ts'
import { model } from '../support/resources.ts'

const base = () => model().namespace('a').namespace('b').veth('a/e0', 'b/e0').addresses('a/e0', '10.0.0.1/24')

/** What is done, and what is left, when `listed` was told for what is `live` then and the kernel is as in `now`. */
function again(wanted: ReturnType<typeof model>, live: ReturnType<typeof model>, now: ReturnType<typeof model>) {
  const lab = 'lab'
  const listed = listedIn(makePlan({ lab, desired: wanted.resources, live: live.resources }))
  const { plan, rest } = restrict({ lab, desired: wanted.resources, live: now.resources }, repeats(listed))
  const ids = (changes: readonly { id: string; action: string }[]) => changes.map(({ id, action }) => `${action} ${id}`)
  return { done: ids(plan.changes), rest: ids(rest), steps: plan.steps.length }
}

test('what was listed is repeated, what came meanwhile is left', () => {
  const now = model().namespace('a').namespace('b').veth('a/e0', 'b/e0').link('a/vx9', 'vxlan')
  now.addresses('a/vx9', '10.9.0.1/24')
  expect(again(base(), model(), now)).toMatchObject({
    done: ['create a/e0/10.0.0.1/24'],
    rest: ['delete a/vx9', 'delete a/vx9/10.9.0.1/24'],
    steps: 1,
  })
})

test('what goes with something listed is not a surprise', () => {
  const live = base().link('a/vx9', 'vxlan')
  const now = base().link('a/vx9', 'vxlan').addresses('a/vx9', '10.9.0.1/24')
  expect(again(base(), live, now)).toMatchObject({
    done: ['delete a/vx9', 'delete a/vx9/10.9.0.1/24'],
    rest: [],
    steps: 1,
  })
})

test('a thing that was to go is not made, and one that was to be made does not go', () => {
  const live = base().addresses('a/e0', '10.0.0.1/24', '10.0.0.7/24')
  const wanted = base().addresses('a/e0', '10.0.0.1/24', '10.0.0.8/24')
  expect(again(wanted, live, wanted)).toMatchObject({ done: [], rest: [] })
  expect(again(wanted, live, base()).done).toEqual(['create a/e0/10.0.0.8/24'])
  expect(again(base(), live, model().namespace('a').namespace('b').veth('a/e0', 'b/e0'))).toMatchObject({
    done: [],
    rest: ['create a/e0/10.0.0.1/24'],
  })
})

test('what needs something that is not made is left as well', () => {
  const live = model().namespace('a').namespace('b').veth('a/e0', 'b/e0')
  const now = model().namespace('a').namespace('b')
  expect(again(base(), live, now)).toMatchObject({
    done: [],
    rest: ['create a/e0', 'create a/e0/10.0.0.1/24', 'create b/e0'],
    steps: 0,
  })
})

test('a name under which a link is made before it moves is touched as well', () => {
  const wanted = base().link('b/mv', 'macvlan', { link: 'a/e0' })
  const clash = base().link('b/e1', 'macvlan', { link: 'a/e0' }).link('a/e1', 'dummy')
  const touched = (desired: typeof wanted) =>
    [...touchedBy(makePlan({ lab: 'lab', desired: desired.resources, live: new Map() }))].filter((id) =>
      /^a\/(nl|mv|e1)/.test(id),
    )
  expect(touched(wanted)).toEqual(['a/mv'])
  expect(touched(clash)).toEqual(['a/e1', expect.stringMatching(/^a\/nl[0-9a-f]{12}/)])
})
