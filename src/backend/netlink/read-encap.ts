import { NotUnderstood, attributes } from './answer.ts'

/** LWTUNNEL_ENCAP_MPLS of lwtunnel.h */
const ENCAP_MPLS = 1
/** mpls_iptunnel.h */
const [MPLS_IPTUNNEL_DST, MPLS_IPTUNNEL_TTL] = [1, 2]
/** Entries of a label stack (RFC 3032): 20 bits of label, 3 of class, the bottom of the stack, 8 of TTL. */
const [ENTRY, LABEL_SHIFT, BOTTOM] = [4, 12, 1 << 8]

/** A label stack as `100/200`. */
export function labels(bytes: Buffer, from: number, to: number): string {
  const found: number[] = []
  for (let at = from; at + ENTRY <= to; at += ENTRY) {
    const entry = bytes.readUInt32BE(at)
    found.push(entry >>> LABEL_SHIFT)
    if (entry & BOTTOM) break
  }
  return found.join('/')
}

/** What iproute2 prints after `encap`. Throws NotUnderstood for what is not MPLS. */
export function encapsulation(
  bytes: Buffer,
  type: number,
  value: readonly [from: number, to: number] | undefined,
): string {
  if (type !== ENCAP_MPLS || !value) throw new NotUnderstood()
  let text = 'mpls'
  let ttl = ''
  attributes(bytes, ...value, (attribute, from, to) => {
    if (attribute === MPLS_IPTUNNEL_DST) text += ` ${labels(bytes, from, to)}`
    else if (attribute === MPLS_IPTUNNEL_TTL && bytes[from]) ttl = ` ttl ${bytes[from]}`
  })
  return text + ttl
}
