import type { Fields } from '../model/fields.ts'
import type { ComposeNetwork } from './compose-networks.ts'
import type { ComposeService, Membership, Published } from './compose-services.ts'
import { UPLINK } from './compose-checks.ts'

/** A published port, and where it leads. */
interface Way extends Published {
  readonly to: Membership
}

/** The rules that Docker writes for bridges and published ports, as far as they decide about packets. */
export function firewallOf(networks: readonly ComposeNetwork[], services: readonly ComposeService[]): Fields {
  const ways = services.flatMap(({ ports, members: [to] }): Way[] => (to ? ports.map((port) => ({ ...port, to })) : []))
  const open = networks.filter(({ isInternal }) => !isInternal)
  return {
    filter: {
      FORWARD: {
        policy: 'DROP',
        rules: [
          '-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
          ...networks.map(({ bridge }) => `-i ${bridge} -o ${bridge} -j ACCEPT`),
          ...open.map(({ bridge }) => `-i ${bridge} -o ${UPLINK.dev} -j ACCEPT`),
          ...ways.map(
            ({ to, protocol, target }) =>
              `-d ${to.address} -o ${to.network.bridge} -p ${protocol} --dport ${target} -m conntrack --ctstate DNAT -j ACCEPT`,
          ),
        ],
      },
    },
    nat: {
      ...(ways.length > 0 && {
        PREROUTING: ['-m addrtype --dst-type LOCAL -j DOCKER'],
        OUTPUT: ['! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER'],
      }),
      POSTROUTING: [
        ...open.map(({ subnet, bridge }) => `-s ${subnet} ! -o ${bridge} -j MASQUERADE`),
        ...ways.map(
          ({ to: { address }, protocol, target }) =>
            `-s ${address} -d ${address} -p ${protocol} --dport ${target} -j MASQUERADE`,
        ),
      ],
      ...(ways.length > 0 && {
        DOCKER: ways.map(
          ({ to: { address }, protocol, published, target }) =>
            `-p ${protocol} --dport ${published} -j DNAT --to-destination ${address}:${target}`,
        ),
      }),
    },
  }
}
