import { execFileSync, spawnSync } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { parse } from 'yaml'
import { revisionIn } from '../../src/commands/git-files.ts'
import { writtenNft } from '../../src/firewall/nft-layout.ts'
import { loadLab } from '../../src/language/load-lab.ts'
import { asIfLive } from '../../src/observe/as-if-live.ts'
import { changesBetween } from '../../src/plan/make-plan.ts'
import type { DiffJson } from '../../src/views/diff-text.ts'
import { checkDocument } from '../support/documents.ts'

const top = mkdtempSync(join(tmpdir(), 'netlab-diff-'))
/** Programs that the command may start: no ip, no unshare. */
const bin = join(top, 'bin')
const work = join(top, 'work')
const env = {
  PATH: bin,
  HOME: top,
  XDG_STATE_HOME: top,
  NO_COLOR: '1',
  GIT_CONFIG_NOSYSTEM: '1',
  ...Object.fromEntries(
    ['AUTHOR', 'COMMITTER'].flatMap((who) => [
      [`GIT_${who}_NAME`, 'a'],
      [`GIT_${who}_EMAIL`, 'a@example.org'],
    ]),
  ),
}
const git = (...args: string[]): string =>
  execFileSync('git', args, { cwd: work, env: { ...env, PATH: process.env['PATH'] }, encoding: 'utf8' })

const netlab = (args: readonly string[], cwd = work) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [resolve('dist/netlab.cjs'), ...args], {
    ...{ cwd, env, encoding: 'utf8' },
  })
  const code = status ?? -1
  checkDocument(args, { code, stdout, stderr })
  return { code, stdout, stderr }
}

/** The ids of the changes between two files, with their actions. */
const changes = (from: string, to: string, cwd = work): string[] => {
  const { stdout, stderr } = netlab(['diff', from, to, '--json'], cwd)
  if (!stdout) throw new Error(stderr)
  return (JSON.parse(stdout) as DiffJson).changes.map(({ action, id }) => `${action} ${id}`)
}

const write = (path: string, text: string): void => {
  mkdirSync(dirname(join(work, path)), { recursive: true })
  writeFileSync(join(work, path), text)
}

/** A lab whose parts are in files beside it: what is included, a rule set, files of a home, a key. */
const lab = (host: number): string => `include: [../common/base.yaml]
namespaces:
  a:
    interfaces: { eth0: { addresses: [10.0.0.${host}/24] } }
    nftables: { file: rules/all.nft }
    files: { /etc/site: site }
`
const base = (mtu: number): string =>
  `namespaces: { a: {}, b: { iptables: { restore: rules.v4 } } }\nlinks: [{ endpoints: [a:eth0, b:eth0], mtu: ${mtu} }]\n`
const rules = (port: number): string => `*filter\n-A INPUT -p tcp --dport ${port} -j DROP\nCOMMIT\n`

beforeAll(() => {
  mkdirSync(bin)
  symlinkSync(execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim(), join(bin, 'git'))
  mkdirSync(work)
  git('init', '-q', '-b', 'main')
  write('labs/site.yaml', lab(1))
  write('common/base.yaml', base(1500))
  write('common/rules.v4', rules(80))
  write('labs/rules/all.nft', 'include "parts/*.nft"\n')
  write('labs/rules/parts/one.nft', 'table inet one { chain c { tcp dport 1 drop; } }\n')
  write('labs/site/index', 'first\n')
  symlinkSync('index', join(work, 'labs/site/link'))
  git('add', '.')
  git('commit', '-qm', 'first')
  git('tag', 'v1')
  write('labs/site.yaml', lab(2))
  write('common/base.yaml', base(1400))
  write('common/rules.v4', rules(81))
  write('labs/rules/parts/two.nft', 'table inet two { chain c { tcp dport 2 drop; } }\n')
  write('labs/site/index', 'second\n')
  chmodSync(join(work, 'labs/site/index'), 0o755)
  git('add', '.')
  git('commit', '-qm', 'second')
  git('tag', 'v2')
})
afterAll(() => rmSync(top, { recursive: true }))

const EVERYTHING = [
  'update a/eth0',
  'create a/eth0/10.0.0.2/24',
  'update a/nftables',
  'update a/file/etc/site/index',
  'update a/file/etc/site/link',
  'delete a/eth0/10.0.0.1/24',
  'update b/eth0',
  'update b/iptables',
]

describe('revisions of git', () => {
  test('two of them, each with what lies beside the file in it', () => {
    expect(changes('v1:labs/site.yaml', 'v2:labs/site.yaml')).toEqual(EVERYTHING)
    expect(changes('v1:labs/site.yaml', 'v1:labs/site.yaml')).toEqual([])
  })

  test('one of them and a file, from any folder', () => {
    expect(changes('HEAD~1:labs/site.yaml', 'labs/site.yaml')).toEqual(EVERYTHING)
    expect(changes('HEAD:./site.yaml', 'site.yaml', join(work, 'labs'))).toEqual([])
    expect(changes('v1:../labs/site.yaml', '../labs/site.yaml', join(work, 'common'))).toEqual(EVERYTHING)
  })

  test('the index', () => {
    write('labs/site.yaml', lab(3))
    git('add', 'labs/site.yaml')
    write('labs/site.yaml', lab(4))
    const to = (host: number) => [`create a/eth0/10.0.0.${host}/24`, expect.stringContaining('delete')]
    expect(changes('HEAD:labs/site.yaml', ':labs/site.yaml')).toEqual(to(3))
    expect(changes(':0:labs/site.yaml', 'labs/site.yaml')).toEqual(to(4))
    git('reset', '-q', '--hard')
  })

  test('a file that only one side has', () => {
    expect(changes('/dev/null', 'v1:labs/site.yaml').every((text) => text.startsWith('create '))).toBe(true)
    expect(changes('v1:labs/site.yaml', '/dev/null').every((text) => text.startsWith('delete '))).toBe(true)
    expect(netlab(['diff', '/dev/null', '/dev/null'])).toMatchObject({ code: 0 })
  })

  test('errors have the revision, line and column', () => {
    write('labs/broken.yaml', 'namespaces:\n  a:\n    routes: [{ to: default, via: 10.0.0 }]\n')
    write('labs/around.yaml', 'include: [broken.yaml]\n')
    git('add', '.')
    git('commit', '-qm', 'broken')
    const said = (file: string, cwd = work) => netlab(['diff', file, '/dev/null'], cwd).stderr
    expect(said('main:labs/broken.yaml')).toContain('main:labs/broken.yaml:3:34')
    expect(said('main:labs/around.yaml')).toContain('main:labs/broken.yaml:3:34')
    expect(said('main:./around.yaml', join(work, 'labs'))).toContain('main:./broken.yaml:3:34')
    const { code, stdout } = netlab(['diff', '/dev/null', 'main:labs/broken.yaml', '--json'])
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({
      error: { diagnostics: [{ file: 'main:labs/broken.yaml', line: 3, column: 34 }] },
    })
    git('reset', '-q', '--hard', 'v2')
  })

  test.each([
    ['none:labs/site.yaml', 'This repository has no revision none.'],
    ['v1:labs/none.yaml', 'v1 has no file labs/none.yaml.'],
    [':labs/none.yaml', 'the index has no file labs/none.yaml.'],
    ['v1:../work/../../x.yaml', '../work/../../x.yaml is outside the repository.'],
    ['v1:labs', 'v1 has no file labs.'],
  ])('%s: %s', (file, reason) => {
    const { code, stderr } = netlab(['diff', file, 'labs/site.yaml'])
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining(reason) })
  })

  test('from the current folder, when it is named from the wrong one', () => {
    expect(netlab(['diff', 'v1:site.yaml', 'site.yaml'], join(work, 'labs')).stderr).toContain(
      'From the current folder: v1:./site.yaml',
    )
  })

  test('what is not in git, without git, or without a repository', () => {
    expect(netlab(['diff', 'v1:lab.yaml', '/dev/null'], top)).toMatchObject({ code: 1, stderr: /not a git repository/ }) // prettier-ignore
    expect(netlab(['diff', 'labs/site.yaml', 'nothing'])).toMatchObject({ code: 1 })
  })

  // What git could take for an option, and a shell for a command.
  test.each(['--output=hit', '$(touch hit)', "';touch hit;'"])('the name %s is data', (name) => {
    const { code, stderr } = netlab(['diff', '--', `${name}:labs/site.yaml`, 'labs/site.yaml'])
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('has no revision') })
    expect(readdirSync(work)).not.toContain('hit')
  })

  test('the names of files and revisions are told apart as git does', () => {
    expect(revisionIn('HEAD@{2026-01-01 12:00}:a:b.yaml')).toMatchObject({ name: 'HEAD@{2026-01-01 12:00}', path: 'a:b.yaml' }) // prettier-ignore
    expect(revisionIn(':2:a.yaml')).toMatchObject({ name: '2', path: 'a.yaml' })
    expect(revisionIn('lab.yaml')).toBeUndefined()
    expect(revisionIn(':/text')).toBeUndefined()
  })
})

test('the exit code tells of changes, when asked', () => {
  const run = (...args: string[]) => netlab(['diff', ...args]).code
  expect(run('v1:labs/site.yaml', 'v2:labs/site.yaml')).toBe(0)
  expect(run('v1:labs/site.yaml', 'v2:labs/site.yaml', '--detailed-exitcode')).toBe(2)
  expect(run('v1:labs/site.yaml', 'v1:labs/site.yaml', '--detailed-exitcode')).toBe(0)
})

test('git difftool', () => {
  const tool = `'${process.execPath}' '${resolve('dist/netlab.cjs')}' diff --as "$MERGED" "$LOCAL" "$REMOTE"`
  const out = git('-c', `difftool.netlab.cmd=${tool}`, 'difftool', '-y', '-t', 'netlab', 'v1', '--', 'labs/site.yaml')
  // git gives a difftool the file alone: what is beside it is that of the working tree.
  expect(out).toContain('+ a/eth0/10.0.0.2/24')
  expect(out).toContain('Plan: 1 to add, 0 to change, 1 to destroy.')
})

test('the workflow of docs/automation.md writes the comment', () => {
  const [, text = ''] = /```yaml\n(name: review\n[^]*?)```/.exec(readFileSync('docs/automation.md', 'utf8')) ?? []
  const { jobs } = parse(text) as { jobs: { comment: { steps: { run?: string }[] } } }
  const script = jobs.comment.steps.flatMap(({ run }) => (run?.startsWith('netlab ') ? [run] : [])).join('\n')
  writeFileSync(join(bin, 'netlab'), `#!/bin/sh\nexec '${process.execPath}' '${resolve('dist/netlab.cjs')}' "$@"\n`, {
    mode: 0o755,
  })
  git('update-ref', 'refs/remotes/origin/main', 'v1')
  write('labs/router.yaml', 'namespaces: { a: {} }\n')
  const more = { PATH: `${bin}:${process.env['PATH']}`, GITHUB_BASE_REF: 'main' }
  const run = () => spawnSync('bash', ['-e', '-c', script], { cwd: work, env: { ...env, ...more }, encoding: 'utf8' })
  expect(run()).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('origin/main has no file labs/router.yaml.'),
  })
  git('add', '.')
  git('commit', '-qm', 'router')
  git('update-ref', 'refs/remotes/origin/main', 'HEAD')
  write('labs/router.yaml', 'namespaces: { a: {}, b: {} }\n')
  expect(run()).toMatchObject({ status: 0, stderr: '' })
  expect(readFileSync(join(work, 'comment.md'), 'utf8')).toContain('**netlab**: 1 to add, 0 to change, 0 to destroy')
  git('reset', '-q', '--hard', 'v2')
})

test('Markdown: signs at the start of lines, and nothing that ends the block', () => {
  write('a.yaml', 'namespaces: { a: { files: { /etc/motd: { content: "one\\n" } } } }\n')
  write('b.yaml', 'namespaces: { a: { files: { /etc/motd: { content: "````\\n</details>\\n" } } }, b: {} }\n')
  const { stdout } = netlab(['diff', 'a.yaml', 'b.yaml', '--format', 'markdown'])
  expect(stdout).toMatch(
    /^<!-- netlab diff -->\n\*\*netlab\*\*: 1 to add, 1 to change, 0 to destroy, `a.yaml` → `b.yaml`\n/,
  )
  expect(stdout).toMatch(
    /\n`````diff\n[^]*\n!  +a\/file\/etc\/motd [^]*\n\+ +````\n[^]*\n\+  +b  [^]*\n`````\n\n<\/details>\n$/,
  )
  expect(netlab(['diff', 'a.yaml', 'a.yaml', '--format', 'markdown']).stdout).toContain(
    'no changes, `a.yaml` → `a.yaml`',
  )
})

/** The fields that differ between two labs, by id. */
function fields(from: string, to: string): Record<string, unknown[]> {
  const [before, after] = [from, to].map((text) => loadLab({ file: 'lab.yaml', text, lint: false }).resources)
  return Object.fromEntries(
    changesBetween(asIfLive('lab', before!, after!)).map(({ id, differences }) => [
      id,
      differences.map(({ field, from, to }) => [field, from, to]),
    ]),
  )
}
const one = (fields: string): string => `namespaces: { a: { ${fields} } }`

test.each([
  ['a rule', 'iptables: { filter: { INPUT: [-p tcp -j DROP, -p udp -j DROP] } }', 'iptables: { filter: { INPUT: [-p tcp -j DROP, -p icmp -j ACCEPT, -p udp -j DROP] } }', [['filter/INPUT', undefined, '-p icmp -j ACCEPT']]], // prettier-ignore
  ['nft, laid out otherwise', '{ nftables: "table inet t { chain c { type filter hook input priority 0; policy drop; ip saddr { 10.0.0.1, 10.0.0.2 } accept # why\\n } }" }', '{ nftables: "table inet t {\\n  chain c {\\n    type filter hook input priority 0\\n    policy drop\\n    ip saddr {\\n 10.0.0.1,\\n 10.0.0.2 } accept; tcp dport 1 drop\\n  }\\n}\\n" }', [['inet t/c', undefined, 'tcp dport 1 drop']]], // prettier-ignore
  ['an owner', 'files: { /etc/x: { content: a, owner: frr } }', 'files: { /etc/x: { content: a, owner: bird } }', [['owner', 'frr', 'bird']]], // prettier-ignore
  ['a pinned sysctl', 'sysctls: { net.ipv4.ip_forward: 1 }', '', [['value', '1', '0']]],
  ['a sysctl of the kernel', 'sysctls: { net.ipv4.tcp_ecn: 1 }', '', [['value', '1', 'the kernel’s default']]],
  ['words of tc', 'interfaces: { lo: { qdiscs: ["qdisc add root handle 1: fq_codel limit 100"] } }', 'interfaces: { lo: { qdiscs: ["qdisc add root handle 1: fq_codel limit 200"] } }', [['limit', '100', '200']]], // prettier-ignore
])('what only tools would bring into one form: %s', (_, from, to, expected) => {
  const [before, after] = [from, to].map((text) => one(text.replace(/^\{ (.*) \}$/s, '$1')))
  expect(Object.values(fields(before!, after!))).toEqual([expected])
})

test('rule sets of nft that are not only tables are compared line by line', () => {
  expect(writtenNft('define x = 1\ntable inet t { }')).toBeUndefined()
  expect(writtenNft('table inet t { chain c { }')).toBeUndefined()
  expect(writtenNft('add table inet t')).toBeUndefined()
  expect(writtenNft('flush ruleset\ntable t { set s { type ipv4_addr; elements = { 10.0.0.1 } } }')).toMatchObject({
    tables: { 'ip t': { objects: { 'set s': { lines: ['type ipv4_addr'], elements: ['10.0.0.1'] } } } },
  })
})
