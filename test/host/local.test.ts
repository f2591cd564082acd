import { mkdtempSync, readFileSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { thisMachine as host } from '../../src/host/this-machine.ts'

let folder: string
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'netlab-host-'))))
afterEach(() => rmSync(folder, { recursive: true }))

test('a program runs to its end; one that is missing ends with 127', async () => {
  expect(await host.run({ argv: ['cat'], input: 'hello' })).toEqual({ code: 0, stdout: 'hello', stderr: '' })
  expect(await host.run({ argv: ['sh', '-c', 'kill $$'] })).toMatchObject({ code: 143 })
  expect(await host.run({ argv: ['no-such-program'] })).toMatchObject({
    code: 127,
    stderr: 'no-such-program: command not found',
  })
})

test('a program that was started leads a process group, which a signal reaches', async () => {
  const child = host.start({ argv: ['sleep', '60'] })
  const ended = new Promise((resolve) => child.once('exit', (_code, name) => resolve(name)))
  expect(host.signal(-(child.pid ?? 0), 'SIGTERM')).toBe(true)
  expect(await ended).toBe('SIGTERM')
  expect(host.signal(child.pid ?? 0, 'SIGTERM')).toBe(false)
})

test('what is not there is undefined, or empty', () => {
  const path = join(folder, 'missing')
  expect([host.exists(path), host.status(path), host.readFile(path), host.open(path), host.list(path)]).toEqual([
    false,
    undefined,
    undefined,
    undefined,
    [],
  ])
})

test('a file that is open stays when its name is taken', () => {
  const path = join(folder, 'file')
  writeFileSync(path, 'text')
  expect(host.list(folder)).toEqual(['file'])
  const file = host.open(path)
  expect(file?.status).toEqual(host.status(path))
  expect(file?.status).toMatchObject({ size: 4, isFile: true })
  unlinkSync(path)
  expect(host.readFile(file?.path ?? '')).toBe('text')
  file?.close()
  expect(host.readFile(file?.path ?? '')).toBeUndefined()
})

test('a file is followed until it is removed', async () => {
  const path = join(folder, 'log')
  writeFileSync(path, 'one ')
  let text = ''
  for await (const piece of host.pieces(path, true)) {
    text += Buffer.from(piece).toString()
    if (text === 'one ') writeFileSync(path, 'two', { flag: 'a' })
    else unlinkSync(path)
  }
  expect(text).toBe('one two')
})

test('a program is found where PATH says, through links, when it can be run', () => {
  const before = process.env['PATH']
  writeFileSync(join(folder, 'real'), '', { mode: 0o755 })
  writeFileSync(join(folder, 'data'), '', { mode: 0o644 })
  symlinkSync('real', join(folder, 'linked'))
  try {
    process.env['PATH'] = `/nowhere:${folder}`
    expect(host.find('linked')).toBe(join(folder, 'real'))
    expect(host.find('data')).toBeUndefined()
    expect(host.find('none')).toBeUndefined()
  } finally {
    process.env['PATH'] = before
  }
})

test('a lab has one writer, and the next one hears who it is', async () => {
  const lab = `test-${process.pid}`
  const release = await host.lock(lab, 0, () => {})
  await expect(host.lock(lab, 0, () => {})).rejects.toThrow(`being changed by another run (process ${process.pid}`)
  let heard = ''
  const next = host.lock(lab, 10_000, (holder) => {
    heard = holder
    release()
  })
  const again = await next
  again()
  expect(heard).toContain(`process ${process.pid}`)
})

test('a lock is the same with every version of Node', async () => {
  const lab = `netlab-test-${process.pid}`
  const release = await host.lock(lab, 0, () => {})
  // Node gives the kernel what it was given, or fills it with zeros: the same when it is full.
  const [, address = ''] = new RegExp(` (@netlab/${lab}@*)$`, 'm').exec(readFileSync('/proc/net/unix', 'utf8')) ?? []
  expect([address.length, host.isLocked(lab), host.isLocked('netlab-test')]).toEqual([108, true, false])
  release()
  expect(host.isLocked(lab)).toBe(false)
})

test('who waits for a knock hears it, and nobody else waits at the same door', async () => {
  const door = `test-${process.pid}/door`
  expect(await host.knock(door)).toBe(false)
  let waiting: Promise<boolean> | undefined
  await new Promise<void>((ready) => {
    waiting = host.waitForKnock(door, 10_000, ready)
  })
  await expect(host.waitForKnock(door, 10, () => {})).rejects.toThrow('EADDRINUSE')
  expect(await host.knock(door)).toBe(true)
  expect(await waiting).toBe(true)
  expect(await host.waitForKnock(door, 10, () => {})).toBe(false)
})

test('what is for a home is not run where there is none: it would meet the files of the machine', async () => {
  const command = { argv: ['echo', 'ran'], netns: 'no-such-namespace', home: true } as const
  expect(await host.run(command)).toEqual({ code: 1, stdout: '', stderr: 'the home of no-such-namespace is gone\n' })
})
