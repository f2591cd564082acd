import { loadLab } from '../../src/language/load-lab.ts'
import { fitted } from '../../src/session/fit.ts'

test('a copy leaves out what is in a namespace of somebody else, of the file and of what is live', () => {
  const text = `
namespaces: { web: { container: web }, h: }
links: [{ endpoints: { "web:eth0": 10.0.0.1/24, "h:eth0": 10.0.0.2/24 } }]
checks: [{ from: h, ping: web }]
`
  const lab = loadLab({ file: 'lab.yaml', text })
  const live = new Map([...lab.resources].filter(([, { kind }]) => kind !== 'borrowed'))
  for (const resources of [lab.resources, live]) {
    const { lab: copy, leftOut } = fitted({ ...lab, resources }, true)
    expect([...copy.namespaces.keys()]).toEqual(['h'])
    expect([...copy.resources.keys()]).toEqual(['h', 'h/lo'])
    expect(copy.checks).toEqual([])
    expect(leftOut[0]).toMatchObject({ id: 'web', reason: 'it is container web, somebody else’s' })
  }
})
