/** A request to an agent: one JSON object per line. */
export type Request =
  /** Listen on every address of the namespace, and send every client its own address. */
  | { readonly op: 'listen'; readonly protocol: Transport; readonly port: number }
  /** Stop listening, everywhere. */
  | { readonly op: 'silence' }
  /** Connect from this port, hold the connection, and wait `greeting` ms for a first line. */
  | {
      readonly op: 'connect'
      readonly address: string
      readonly port: number
      readonly localPort: number
      readonly timeout: number
      readonly greeting: number
    }
  /** Close the connection from this port. */
  | { readonly op: 'hangup'; readonly localPort: number }
  /** Send the text from this port and wait for a datagram. */
  | {
      readonly op: 'send'
      readonly address: string
      readonly port: number
      readonly localPort: number
      readonly timeout: number
      readonly text: string
    }
  /** List who is, or was a moment ago, connected to this TCP port. */
  | { readonly op: 'clients'; readonly port: number }

export type Transport = 'tcp' | 'udp'

/** The answer to a request. */
export interface Answer {
  /** `EADDRINUSE`, `ECONNREFUSED`, `ETIMEDOUT` …; absent after success. */
  readonly error?: string
  /** `connect`: the first line; `send`: the reply. */
  readonly text?: string
  /** `clients`: `ADDRESS PORT`. */
  readonly clients?: readonly string[]
}

/** The first word that netlab's listeners send. `NAMESPACE:PORT` of the listener and the client's `ADDRESS PORT` follow. */
export const GREETING = 'netlab-listener'
