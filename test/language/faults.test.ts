import { diagnose, loadLab } from '../../src/language/load-lab.ts'

const LAB = `
namespaces:
  a: { interfaces: { eth0: {} } }
  b: { interfaces: { eth0: {} } }
  h[1..2]: { interfaces: { eth0: { type: dummy } } }
links: [{ endpoints: [a:eth0, b:eth0] }]
faults:
  x:
`
const lab = (steps: string, more = '') => ({ file: 'x.yaml', text: `${LAB}${steps}\n${more}` })
const stepsOf = (steps: string) => loadLab(lab(steps)).faults.get('x')?.steps
const said = (steps: string, more?: string) =>
  diagnose(lab(steps, more)).map(({ summary, position }) => `${position?.line}:${position?.column} ${summary}`)

test('steps in all forms', () => {
  expect(
    stepsOf(`
    - { at: 1s, cut: a:eth0, one_way: true, for: 500ms }
    - { at: 1s..2s, impair: [a:eth0-b:eth0], impairments: { delay: 50ms, loss: 5 }, to: "b,10.0.0.0/8" }
    - { at: 3, partition: [[a, h1], b] }
    - { at: 1m, heal: all }
    - { at: 1m, heal: ["h*"], pick: 1 }`),
  ).toEqual([
    { do: 'cut', targets: ['a:eth0'], oneWay: true, at: [1000, 1000], lasts: [500, 500] },
    {
      ...{ do: 'impair', targets: ['a:eth0-b:eth0'], settings: { delay: '50ms', loss: '5' }, to: 'b,10.0.0.0/8' },
      at: [1000, 2000],
    },
    { do: 'partition', groups: [['a', 'h1'], ['b']], at: [3000, 3000] },
    { do: 'heal', targets: [], at: [60_000, 60_000] },
    { do: 'heal', targets: ['h*'], at: [60_000, 60_000], pick: 1 },
  ])
})

test('a range makes steps', () => {
  const steps = stepsOf('    - { at: "{i}s", cut: "h[1..2]:eth0" }')
  expect(steps?.map(({ at, ...step }) => [at[0], 'targets' in step && step.targets])).toEqual([
    [1000, ['h1:eth0']],
    [2000, ['h2:eth0']],
  ])
})

test('errors point at what is wrong', () => {
  expect(said('    - { at: soon, cut: a }')).toEqual(['9:13 "soon" is not a time'])
  expect(said('    - { at: 2s..1s, cut: a }')).toEqual(['9:13 "2s..1s" is not a time'])
  expect(said('    - { at: 25h, cut: a }')).toEqual(['9:13 25h is too long'])
  expect(said('    - { at: 1s }')).toEqual(['9:7 the step does nothing'])
  expect(said('    - { at: 1s, cut: a, heal: b }')).toEqual([
    '9:7 a step has one of cut, impair, partition, heal, this one has cut and heal',
  ])
  expect(said('    - { at: 1s, cut: a:eth9 }')).toEqual(['9:22 there is no interface eth9 in a'])
  expect(said('    - { at: 1s, cut: [z] }')).toEqual(['9:23 there is no namespace z'])
  expect(said('    - { at: 1s, cut: "a:b:c" }')).toEqual(['9:22 "a:b:c" is no target'])
  expect(said('    - { at: 1s, heal: a, for: 1s }')).toEqual(['9:26 for has no effect with heal'])
  expect(said('    - { at: 1s, partition: [[a, b], b] }')).toEqual(['9:37 b is in two groups'])
  expect(said('    - { at: 1s, impair: a }')).toEqual(['9:7 impair has no impairments'])
  expect(said('    - { at: 1s, impair: a, impairments: { delay: x } }')).toEqual([
    '9:50 "x" is not a time such as 20ms',
  ])
  expect(said('    - { at: 1s, impair: a, impairments: { delay: 1s }, to: q }')).toEqual([
    '9:60 there is no namespace q',
  ])
  expect(said('    - { at: 1s, cut: a }', 'checks: [{ from: a, ping: b, during: y }]')).toEqual([
    '10:38 there are no faults y',
  ])
})
