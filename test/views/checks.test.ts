import pc from 'picocolors'
import type { Check } from '../../src/model/check.ts'
import { readFileSync } from 'node:fs'
import { validateXML } from 'xmllint-wasm'
import { checksJson, junit, nameWidth, renderResult, renderSummary } from '../../src/views/check-results.ts'

const check: Check = { from: 'a', ping: 'b', source: { file: 'lab.yaml', line: 7, column: 3 } }
const json = checksJson('lab', [
  { name: 'a ping b', check, status: 'pass', expected: 'b answers', seen: '10.0.0.2 answered\nmore', duration: 12 },
  {
    name: 'a <b> & "c"\u0001',
    check: { from: 'a', ping: 'b' },
    status: 'fail',
    expected: 'b answers',
    seen: 'no answer\nat all',
    where: 'no packet of it left a',
    duration: 3000,
  },
  { name: 'x', check: { from: 'a', ping: 'b' }, status: 'error', expected: '', seen: 'no tcpdump', duration: 0 },
])

test('for programs', () => {
  expect(json).toMatchObject({ format_version: '1.0', lab: 'lab', summary: { pass: 1, fail: 1, error: 1 } })
  expect(json.checks[0]).toEqual({
    name: 'a ping b',
    status: 'pass',
    detail: '10.0.0.2 answered\nmore',
    expected: 'b answers',
    from: 'a',
    duration_ms: 12,
    file: 'lab.yaml',
    line: 7,
  })
})

test('for people', () => {
  const c = pc.createColors(false)
  const width = nameWidth(json.checks.map(({ name }) => name))
  expect(json.checks.map((check) => renderResult(check, width, c)).join('')).toBe(
    [
      '✓ a ping b      10.0.0.2 answered',
      '    more',
      '✗ a <b> & "c"\u0001  no answer',
      '! x             no tcpdump',
      '',
    ].join('\n'),
  )
  expect(renderSummary(json, 3.25, c, 2)).toBe(
    [
      '',
      '✗ a <b> & "c"\u0001',
      '    expected  b answers',
      '    seen      no answer',
      '              at all',
      '    where     no packet of it left a',
      '! x',
      '    cannot    no tcpdump',
      '',
      '1 passed, 1 failed, 1 could not be tried, 2 left out (3.3 s)',
      '',
    ].join('\n'),
  )
})

test('for CI: XML that a schema accepts, whatever is in a name', async () => {
  const report = junit(json, { began: new Date('2026-11-29T01:02:03.4Z'), machine: 'm', seconds: 3.25 })
  expect(report).toBe(
    [
      '<?xml version="1.0" encoding="UTF-8"?>',
      '<testsuites>',
      '  <testsuite name="lab" package="netlab" id="0" timestamp="2026-11-29T01:02:03" hostname="m" tests="3" failures="1" errors="1" time="3.250">',
      '    <properties/>',
      '    <testcase name="a ping b" classname="netlab.lab" time="0.012"/>',
      '    <testcase name="a &lt;b&gt; &amp; &quot;c&quot;\\u0001" classname="netlab.lab" time="3.000">',
      '      <failure message="no answer&#10;at all" type="fail">expected: b answers&#10;seen: no answer&#10;at all&#10;where: no packet of it left a</failure>',
      '    </testcase>',
      '    <testcase name="x" classname="netlab.lab" time="0.000">',
      '      <error message="no tcpdump" type="error">expected: &#10;seen: no tcpdump</error>',
      '    </testcase>',
      '    <system-out/>',
      '    <system-err/>',
      '  </testsuite>',
      '</testsuites>',
      '',
    ].join('\n'),
  )
  const schema = readFileSync('test/fixtures/junit.xsd', 'utf8')
  expect(await validateXML({ xml: report, schema })).toMatchObject({ valid: true, errors: [] })
  const { valid } = await validateXML({ xml: report.replace(' type="fail"', ''), schema })
  expect(valid).toBe(false)
})
