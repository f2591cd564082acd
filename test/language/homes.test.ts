import { diagnose, loadLab } from '../../src/language/load-lab.ts'
import { writeLab } from '../../src/language/write.ts'

const lab = (fields: string): string => `name: l\nnamespaces:\n  a:\n${fields.replace(/^/gm, '    ')}\n`
const errors = (text: string): string[] =>
  diagnose({ file: 'lab.yaml', text }).map(
    ({ position, summary, detail = '' }) => `${position?.line}:${position?.column} ${summary}. ${detail}`,
  )

test('the long form has the content of each file, and means the same', () => {
  const text = lab(`hostname: web
resolver: [10.0.0.53, fd00::53]
private: [/run/app, { path: /srv/app, mode: "700", owner: 33 }]
files:
  /run/app/text: { content: "a\\n", mode: "0600", owner: "33:44" }
  /srv/bytes: { base64: "AAEC/w==" }`)
  const { resources } = loadLab({ file: 'lab.yaml', text })
  expect(resources.get('a/home')?.spec).toEqual({ hostname: 'web', layers: ['/srv'] })
  expect(resources.get('a/file/etc/resolv.conf')?.spec['text']).toBe('nameserver 10.0.0.53\nnameserver fd00::53\n')
  expect(resources.get('a/folder/srv/app')?.spec).toEqual({ path: '/srv/app', mode: '0700', owner: '33' })
  expect(resources.get('a/file/srv/bytes')?.spec).toEqual({ path: '/srv/bytes', mode: '0644', base64: 'AAEC/w==' })
  const again = loadLab({ file: 'lab.yaml', text: writeLab('l', resources) }).resources
  const specs = (all: typeof again) => [...all.values()].map(({ id, spec }) => [id, spec]).sort()
  expect(specs(again)).toEqual(specs(resources))
})

test('no name servers are an empty resolv.conf', () => {
  const { resources } = loadLab({ file: 'lab.yaml', text: lab('resolver: []') })
  expect(resources.get('a/file/etc/resolv.conf')?.spec['text']).toBe('')
})

test.each([
  [
    'files: { /etc/x: { content: a }, /etc/x/y: { content: b } }',
    '4:38 /etc/x/y lies below the file /etc/x. A file contains no others.',
  ],
  ['files: { /etc/x: { content: a } }\nprivate: [/etc/x]', '5:15 /etc/x is given twice. Leave one of them out.'],
  ['private: [/srv/a, /srv/a]', '4:23 a/folder/srv/a is already declared (line 4). Leave one of them out.'],
  [
    'files: { /etc/x: { content: a } }\nprivate: [/etc/x/y]',
    '5:15 /etc/x/y lies below the file /etc/x. A file contains no others.',
  ],
  [
    'files: { "/etc/\\x1b[1m": { content: a } }',
    '4:14 "/etc/\\u001b[1m" is not a plain path. Leave out //, . and .., and a / at the end.',
  ],
  ['files: { /etc/x: { content: a, base64: YQ== } }', '4:14 a file has one of `from`, `content` and `base64`. '],
  ['files: { /etc/x: { base64: a } }', '4:32 this is not Base64. base64 -w 0 FILE prints it.'],
  ['files: { etc/x: { content: a } }', '4:14 etc/x is not an absolute path. Write /etc/x.'],
  ['files: { /etc: { content: a } }', '4:14 /etc is a top folder of the machine. Use a path below it.'],
  ['files: { /proc/x: { content: a } }', '4:14 /proc/x belongs to the kernel or to netlab. '],
  ['resolver: [dns]', '4:16 "dns" is not an address. '],
  [
    'resolver: [10.0.0.1]\nfiles: { /etc/resolv.conf: { content: a } }',
    '4:5 files has /etc/resolv.conf already. Say it once.',
  ],
  ['hostname: "-a"', '4:15 "-a" cannot be a host name. Use letters, digits, - and dots, at most 64.'],
])('%s', (fields, expected) => {
  expect(errors(lab(fields))).toEqual([expected])
})
