import { runOn } from '../support/commands.ts'
import { pretend } from '../support/kernel.ts'
import { uninstall } from '../support/record/programs.ts'
import { importLab } from '../../src/commands/import.ts'
import { readNetwork } from '../../src/import/read-network.ts'
import { labText } from '../../src/import/lab-text.ts'
import { longLab } from '../../src/language/write.ts'

// The recordings have nothing of it.
beforeAll(() => uninstall('ethtool'))

describe.each(['ip', 'netlink'] as const)('from a recording, read by %s', (by) => {
  test.each(['router', 'forwarding'])('%s', async (name) => {
    const { code, out, err } = await runOn(pretend(name, true, by), (host) => importLab(host, [], { color: false }))
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out.replace(/^(?=.)/gm, '| ')).toMatchSnapshot(name)
  })

  test('published-ports, in the long form', async () => {
    const subject = { names: [], root: false, lenders: new Map() }
    const { lab, resources, remarks } = await readNetwork(subject, pretend('published-ports', true, by).runner)
    expect(labText(longLab(lab, resources), remarks)).toMatchSnapshot('published-ports')
  })

  test('a namespace that is not there', async () => {
    const importing = runOn(pretend('router', true, by), (host) => importLab(host, ['ns9'], { color: false }))
    expect(await importing).toMatchObject({ code: 1, out: '', err: expect.stringContaining('no namespace "ns9"') })
  })
})
