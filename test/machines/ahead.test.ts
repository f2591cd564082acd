import { EventEmitter } from 'node:events'
import { PassThrough } from 'node:stream'
import { beginConnecting, comingPeer, dropAhead } from '../../src/machines/ahead.ts'
import type { Host } from '../../src/model/host.ts'

/** A host that starts nothing, with the first words of what it was to start, and the processes that were ended. */
function hostAside() {
  const started: string[] = []
  const ended: number[] = []
  const host = {
    readFile: () => '{}',
    start({ argv }: { readonly argv: readonly string[] }) {
      started.push(argv.slice(0, argv.indexOf('sh')).join(' '))
      const streams = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() }
      return Object.assign(new EventEmitter(), streams, { pid: started.length })
    },
    signal: (pid: number) => ended.push(-pid),
  } as unknown as Host
  return { host, started, ended }
}
afterEach(dropAhead)

test('a machine that a file names plainly is connected to before the file is parsed, and once', () => {
  const { host, started } = hostAside()
  const text = `# a lab
machines: # two
  left: { run: [podman, exec, -i, left], address: 10.0.0.1 }
  # the other
  right:
    run: [ip, netns, exec, right]
namespaces: { a: , machines: }
`
  beginConnecting(host, text)
  expect(started).toEqual(['podman exec -i left', 'ip netns exec right'])
  comingPeer(host, 'left', { run: ['podman', 'exec', '-i', 'left'], address: '10.0.0.1' })
  expect(started).toHaveLength(2)
  comingPeer(host, 'left', { run: ['podman', 'exec', '-i', 'left'] })
  expect(started).toHaveLength(3)
})

test('machines that are left out, that are not sound, or that are elsewhere in the text, are not connected to', () => {
  const { host, started } = hostAside()
  const sound = 'left: { run: [true] }'
  for (const machines of [
    'machines:\n  left: { run: [-x] }\n  right: { run: [] }\n  third: { run: true }\n  fourth: { run: [true], ssh: left }',
    'machines:\n  left: { ssh: -oProxyCommand=true }\n  right: 7\n  third:\n',
    `machines: { ${sound} }`,
    `name: x\nnamespaces:\n  machines:\n    ${sound}\n`,
    `machines: &all\n  ${sound}\n`,
    'machines:\n',
    'machines:\n\tleft: [\n',
    'machines:\n  "left[1..2]": { run: [enter, "{i}"] }\n',
    'machines:\n  left: { ssh: "{user}@left" }\n',
  ])
    beginConnecting(host, machines)
  beginConnecting(host, `machines:\n  ${sound}\n`, ['left'])
  expect(started).toEqual([])
})

test('a connection that nobody takes is ended', () => {
  const { host, ended } = hostAside()
  beginConnecting(host, 'machines:\n  left: { run: ["true"] }\n  right: { run: ["true"] }\n')
  comingPeer(host, 'right', { run: ['true'] })
  dropAhead()
  expect(ended).toEqual([1])
  dropAhead()
  expect(ended).toEqual([1])
})
