import { createSocket, type Socket as Datagrams } from 'node:dgram'
import { readFileSync } from 'node:fs'
import { connect as dial, createServer, isIPv6, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import type { Host } from '../model/host.ts'
import { GREETING, type Answer, type Request } from './agent-protocol.ts'

/**
 * `netlab agent NAME`: runs in a namespace for `netlab test`. Reads requests, each with an `id`, from standard input, and
 * writes each answer to standard output when it is known. It ends, and closes its sockets, when its input ends, so it cannot
 * outlive the process that started it.
 */
export async function agent(host: Host, name: string): Promise<number> {
  const held = new Map<number, Socket>()
  const listeners: Listener[] = []
  const answer = async (request: Request): Promise<Answer> => {
    switch (request.op) {
      case 'listen':
        return request.protocol === 'tcp'
          ? listenTcp(`${name}:${request.port}`, request.port, listeners)
          : listenUdp(host, `${name}:${request.port}`, request.port, listeners)
      case 'silence':
        await Promise.all(listeners.splice(0).map((listener) => new Promise((done) => listener.close(() => done(0)))))
        return {}
      case 'connect':
        return connect(request, held)
      case 'hangup':
        held.get(request.localPort)?.destroy()
        held.delete(request.localPort)
        return {}
      case 'send':
        return send(request)
      case 'clients':
        return { clients: clients(request.port) }
    }
  }
  for await (const line of createInterface({ input: process.stdin })) {
    const { id, ...request } = JSON.parse(line) as Request & { id: number }
    void answer(request).then((given) => process.stdout.write(`${JSON.stringify({ id, ...given })}\n`))
  }
  // `destroy` also ends connections that are not established yet; `end` would wait for them.
  for (const socket of held.values()) socket.destroy()
  return 0
}

type Listener = { close(done: () => void): void }

const codeOf = (error: NodeJS.ErrnoException): Answer => ({ error: error.code ?? error.message })
const plain = (address: string | undefined): string => (address ?? '').replace(/^::ffff:(?=\d+\.)/, '')
const greeting = (name: string, address: string | undefined, port: number | undefined): string =>
  `${GREETING} ${name} ${plain(address)} ${port}\n`

function listenTcp(name: string, port: number, listeners: Listener[]): Promise<Answer> {
  return new Promise((resolve) => {
    const clients = new Set<Socket>()
    const server = createServer((client) => {
      client.unref()
      clients.add(client)
      client.once('close', () => clients.delete(client))
      client.on('error', () => client.destroy())
      client.end(greeting(name, client.remoteAddress, client.remotePort))
      client.resume()
    })
    server.once('error', (error) => resolve(codeOf(error)))
    server.listen(port, () => {
      listeners.push({
        close(done) {
          // A client that does not exist any more would never close its connection.
          for (const client of clients) client.destroy()
          server.close(done)
        },
      })
      resolve({})
    })
    server.unref()
  })
}

/** The addresses of the namespace. Node's list lacks those of interfaces without carrier, such as a new bridge. */
async function ownAddresses(host: Host): Promise<string[]> {
  const { stdout } = await host.run({ argv: ['ip', '-j', 'addr', 'show'] })
  const links = JSON.parse(stdout) as { addr_info?: { local: string; scope: string; tentative?: boolean }[] }[]
  return links.flatMap(({ addr_info = [] }) =>
    addr_info.flatMap(({ local, scope, tentative }) => (scope === 'link' || tentative ? [] : [local])),
  )
}

/** Opens one socket per address, so that a reply has the source address to which the request was sent. */
async function listenUdp(host: Host, name: string, port: number, listeners: Listener[]): Promise<Answer> {
  const addresses = await ownAddresses(host)
  const opened = await Promise.all(
    addresses.map(
      (address) =>
        new Promise<Answer & { socket: Datagrams }>((resolve) => {
          const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
          socket.once('error', (error) => resolve({ ...codeOf(error), socket }))
          socket.on('message', (text, from) =>
            socket.send(`${greeting(name, from.address, from.port)}${text.toString()}`, from.port, from.address),
          )
          socket.bind(port, address, () => resolve({ socket: socket.unref() }))
        }),
    ),
  )
  const failed = opened.find(({ error }) => error !== undefined)
  if (failed) for (const { socket, error } of opened) if (error === undefined) socket.close()
  if (!failed) listeners.push(...opened.map(({ socket }) => socket))
  return failed?.error === undefined ? {} : { error: failed.error }
}

function connect(request: Request & { op: 'connect' }, held: Map<number, Socket>): Promise<Answer> {
  return new Promise((resolve) => {
    const { address, port, localPort, timeout } = request
    const socket = dial({ host: address, port, localPort }).unref()
    held.set(localPort, socket)
    const late = setTimeout(() => {
      socket.destroy()
      resolve({ error: 'ETIMEDOUT' })
    }, timeout).unref()
    socket.on('error', (error) => {
      clearTimeout(late)
      resolve(codeOf(error))
    })
    socket.once('connect', () => {
      clearTimeout(late)
      let text = ''
      const done = (): void => resolve({ text })
      setTimeout(done, request.greeting).unref()
      socket.on('data', (data) => {
        text += data.toString()
        if (text.includes('\n')) done()
      })
      socket.once('close', done)
    })
  })
}

function send({ address, port, localPort, timeout, text }: Request & { op: 'send' }): Promise<Answer> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4').unref()
    let over = false
    const done = (answer: Answer): void => {
      if (over) return
      over = true
      clearTimeout(late)
      clearInterval(again)
      socket.close()
      resolve(answer)
    }
    const late = setTimeout(() => done({ error: 'ETIMEDOUT' }), timeout).unref()
    const say = (): void => socket.send(text, (error) => error && done(codeOf(error)))
    // A datagram may be lost, or wait too long for neighbour resolution.
    const again = setInterval(say, 400).unref()
    socket.on('error', (error) => done(codeOf(error)))
    socket.once('message', (reply) => done({ text: reply.toString() }))
    socket.bind(localPort, () =>
      socket.connect(port, address, (error?: Error) => (error ? done(codeOf(error)) : say())),
    )
  })
}

/** The remote ends of all sockets of this port, from /proc/net/tcp and tcp6. */
function clients(port: number): string[] {
  return ['tcp', 'tcp6'].flatMap((file) => {
    try {
      return readFileSync(`/proc/net/${file}`, 'utf8')
        .split('\n')
        .flatMap((line) => {
          const [, local = '', remote = ''] = line.trim().split(/\s+/)
          const [address = '', far = '0'] = remote.split(':')
          const mine = parseInt(local.split(':')[1] ?? '', 16) === port
          return mine && far !== '0000' ? [`${decode(address)} ${parseInt(far, 16)}`] : []
        })
    } catch {
      return [] // the file does not exist: a kernel without IPv6 has no tcp6
    }
  })
}

/** The kernel prints an address as 32-bit words in the machine's own byte order. */
function decode(hex: string): string {
  const bytes = hex.match(/.{8}/g)?.flatMap((word) => [...Buffer.from(word, 'hex')].reverse()) ?? []
  if (bytes.length === 4) return bytes.join('.')
  if (bytes.slice(0, 10).every((b) => b === 0) && bytes[10] === 255) return bytes.slice(12).join('.')
  const groups = Array.from({ length: 8 }, (_, i) =>
    (((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0)).toString(16),
  )
  return groups.join(':')
}
