import type { Help } from './help.ts'

/** The help of the commands that send packets. */
export const packetHelp: Readonly<Record<string, Help>> = {
  reach: {
    examples: [
      ['netlab reach', 'all pairs of the lab in this directory'],
      ['netlab reach client', 'whom client reaches'],
      ["netlab reach 'h[1..3]' 'db*'", 'from three to all that begin with db'],
      ['netlab reach --full', 'a row for each namespace'],
      ['netlab reach --fresh', 'in a copy, thrown away; no root needed'],
      ['netlab reach --html > reach.html', 'the table as a page'],
    ],
    exitCodes: [
      ['0', 'done, whether or not they reach each other'],
      ['1', 'failed; the reason is on standard error'],
    ],
  },
  trace: {
    examples: [
      ['netlab trace c1 web', 'the way of a ping and its answer'],
      ['netlab trace c1 web:80 --tcp', 'of the opening of a connection'],
      ['netlab trace c1 10.0.0.9:53 --udp', 'of a datagram'],
      ['netlab trace c1 web --fresh', 'in a copy of the lab file'],
      ['netlab trace c1 web --compare', 'which drift leads it astray'],
      ['netlab trace c1 web --json | jq .reason', 'the end, for programs'],
    ],
    exitCodes: [
      ['0', 'the packet was answered'],
      ['1', 'it was not'],
      ['3', 'it could not be sent or watched'],
    ],
  },
}
