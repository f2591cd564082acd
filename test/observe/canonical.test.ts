import { desiredIptables, iptablesResource } from '../../src/kinds/iptables.ts'
import { canonicalize } from '../../src/observe/canonical.ts'
import type { Command, Outcome } from '../../src/model/command.ts'
import { UserError } from '../../src/model/diagnostic.ts'
import type { Resource } from '../../src/model/resource.ts'
import type { Runner } from '../../src/model/runner.ts'

const source = () => ({ file: 'lab.yaml', line: 3, column: 5 })
const wanted = (rule: string) => {
  const { spec } = desiredIptables({ filter: { FORWARD: [rule] } }, { kind: 'iptables', lab: 'web' })
  const resource = iptablesResource('iptables', 'ns', spec, { source })!
  return new Map([[resource.id, resource as unknown as Resource]])
}
const answering = (outcome: Partial<Outcome>, asked: Command[] = []): Runner =>
  ({
    host: {
      run: (command: Command) => {
        asked.push(command)
        return Promise.resolve({ code: 0, stdout: '', stderr: '', ...outcome })
      },
    },
  }) as unknown as Runner

test.each([
  [
    'a missing program',
    { code: 3, stderr: 'sh: 1: iptables-restore: not found\n' },
    /iptables is not installed/,
    /apt-get install iptables/,
  ],
  [
    'no namespaces',
    { code: 1, stderr: 'unshare: unshare failed: Operation not permitted\n' },
    /Operation not permitted/,
    /none could be made/,
  ],
  [
    'a dump that the tool does not read',
    { code: 4, stderr: 'iptables-restore: line 4 failed\n' },
    /line 4 failed/,
    undefined,
  ],
  ['an answer without a line', { code: 3, stderr: 'something else\n' }, /something else/, undefined],
])('%s is said, at the place of the field', async (_, outcome, summary, detail) => {
  const error = await canonicalize(wanted('-j DROP'), answering(outcome)).catch((e: unknown) => e)
  expect(error).toBeInstanceOf(UserError)
  const [diagnostic] = (error as UserError).diagnostics
  expect(diagnostic).toMatchObject({ summary: expect.stringMatching(summary) as string, position: source() })
  if (detail) expect(diagnostic!.detail).toMatch(detail)
})

test('the rules go to the tool on its standard input, never through the shell', async () => {
  const asked: Command[] = []
  await canonicalize(wanted(`-m comment --comment '$(reboot)' -j DROP`), answering({}, asked))
  expect(asked).toHaveLength(1)
  expect(asked[0]!.argv.join(' ')).not.toContain('reboot')
  expect(asked[0]!.input).toBe(
    '*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -m comment --comment "$(reboot)" -j DROP\nCOMMIT\n',
  )
})

test('what has its form already is left alone', async () => {
  const asked: Command[] = []
  const spec = { tables: { filter: { FORWARD: { rules: ['-j DROP'] } } } }
  const resources = new Map([['ns/iptables', { id: 'ns/iptables', kind: 'iptables', namespace: 'ns', spec }]])
  expect(await canonicalize(resources, answering({}, asked))).toBe(resources)
  expect(asked).toEqual([])
})
