import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PlanJson } from '../../src/views/json.ts'
import { changedByHand } from '../support/attributes.ts'
import { linkChanges, linksLab } from '../support/drift/links.ts'
import { madeChanges, madeLab } from '../support/drift/made.ts'
import { objectChanges, objectsLab } from '../support/drift/objects.ts'
import { routeChanges, routesLab } from '../support/drift/routes.ts'
import { differing, printAll } from '../support/printed.ts'
import { openWorld } from '../support/netns.ts'

const parts = [linksLab, routesLab(), objectsLab, madeLab]
const lab = {
  name: 'drift',
  namespaces: Object.assign({}, ...parts.map(({ namespaces }) => namespaces)) as Record<string, unknown>,
  links: parts.flatMap(({ links }): object[] => links),
}
const changes = [...linkChanges, ...routeChanges, ...objectChanges, ...madeChanges]
const expected = changes.flatMap(([netns, , ...all]) => all.map((difference) => `${netns}/${difference}`)).sort()
const asked = new Set(expected)

/** `NS/IF FIELD from to` of what a plan would change, and `NS/IF ACTION` of what is not a change of a setting. */
const listed = ({ changes }: PlanJson): string[] =>
  changes
    .flatMap(({ id, action, differences }) =>
      differences.length
        ? differences.map(({ field, from, to }) => {
            const short = `${id} ${field}`
            return asked.has(short) ? short : `${short} ${String(from)} ${String(to)}`
          })
        : [`${id.replace(/qdisc\/[0-9a-f]+:1$/, 'qdisc/child')} ${action}`],
    )
    .sort()

const seen = new Set<string>()
test.each(['netlink', 'ip'])('what was changed by hand is planned as that, and repaired: %s', async (runner) => {
  const world = await openWorld()
  try {
    const env = { NETLAB_RUNNER: runner }
    const file = join(world.folder, 'lab.yaml')
    writeFileSync(file, JSON.stringify(lab))
    const netlab = async (...args: string[]): Promise<string> => {
      const { code, stdout, stderr } = await world.netlab(args, { env })
      if (code !== 0) throw new Error(`${args.join(' ')}: ${code}\n${stdout}${stderr}`)
      return stdout
    }
    const sh = async (script: string): Promise<string> => {
      const { code, stdout, stderr } = await world.run(['sh', '-e'], { input: script })
      expect([code, stderr]).toEqual([0, ''])
      return stdout
    }
    const plan = async () => listed(JSON.parse(await netlab('plan', file, '--json')) as PlanJson)
    const print = () => sh(printAll(Object.keys(lab.namespaces)))
    await netlab('apply', file, '-y')
    expect(await plan()).toEqual([])
    const before = await print()
    await sh(changes.map(([netns, command]) => `ip netns exec ${netns} ${command}`).join('\n'))
    for (const one of differing(before, await print())) seen.add(one)
    expect(await plan()).toEqual(expected)
    await netlab('apply', file, '-y')
    expect(await plan()).toEqual([])
  } finally {
    await world.close()
  }
})

test('every attribute that is compared is changed by hand', () => {
  expect(changedByHand.here.filter((one) => !seen.has(one))).toEqual([])
})
