import { generatedKey, publicKey, type WgSpec } from '../kinds/links/wireguard.ts'
import type { Resources } from '../model/resource.ts'
import type { Remark } from './network.ts'

/** Remarks on the keys of WireGuard that the lab cannot make: no secret is written to the file. */
export function unwrittenKeys(lab: string, found: Resources): Remark[] {
  return [...found.values()].flatMap((r): Remark[] => {
    if (r.kind !== 'wg') return []
    const { dev, public_key, peers } = r.spec as WgSpec
    const at = ['namespaces', r.namespace, 'interfaces', dev]
    const show = `${r.borrowed ? '' : `ip netns exec ${r.namespace} `}wg show ${dev}`
    const isOwn = publicKey(generatedKey(lab, r.namespace, dev)) === public_key
    const save = `(umask 077; ${show} private-key >${r.namespace}-${dev}.key)`
    return [
      ...(isOwn
        ? []
        : [
            {
              at,
              text: `Not written, because it is secret: the private key. To keep it: ${save} and private_key_file`,
            },
          ]),
      ...Object.entries(peers).flatMap(([key, { preshared_key }]) =>
        preshared_key === undefined
          ? []
          : [{ at, text: `Not written: the preshared key of ${key} (${show} preshared-keys)` }],
      ),
    ]
  })
}
