import type { Field, LinkType } from '../../model/link-type.ts'
import { FIXED } from './tunnels.ts'

const flag = (json: string, word: string, description: string, fallback: boolean): Field => ({
  json,
  schema: { type: 'boolean', description: `${description} Default: ${fallback}.` },
  words: (v) => [word, v === true ? 'on' : 'off'],
  fallback,
})
const apart = (schema: Readonly<Record<string, unknown>>): Field => ({ schema, apart: true })
const text = (description: string, ...examples: string[]) => ({ type: 'string', description, examples })
const active = { type: 'boolean', description: 'Whether the kernel uses it. Default: true.' }
const object = (description: string, properties: Readonly<Record<string, unknown>>) => ({
  type: 'object',
  description,
  additionalProperties: false,
  properties,
})
const associations = (description: string) => ({
  type: 'array',
  minItems: 1,
  description,
  items: object('A key, in the words of `ip macsec`.', {
    sa: { type: 'integer', minimum: 0, maximum: 3, description: 'Its number. Default: 0.' },
    key_file: text('File beside the lab file that contains the key, in hexadecimal digits.', 'sec0.key'),
    key_id: {
      ...text(
        'Name of the key, up to 32 hexadecimal digits. netlab compares keys by their names, because the kernel never returns a key. Default: a fingerprint of the key.',
        '01',
      ),
      pattern: '^([0-9A-Fa-f]{2}){1,16}$',
    },
    active,
  }),
})
const SCI = '^[0-9A-Fa-f]{16}$'

/** Frames that are signed, or also encrypted, on the segment of the lower device (IEEE 802.1AE; ip-macsec(8)). */
export const macsec: LinkType = {
  name: 'macsec',
  description:
    'An interface whose frames are signed, or also encrypted, on the segment of its lower device (IEEE 802.1AE).',
  example:
    'interfaces:\n  sec0: { type: macsec, link: eth0, encrypt: true, addresses: [10.0.0.1/30], rx: [{ peer: h2:sec0 }] }',
  fields: {
    port: {
      schema: {
        type: 'integer',
        minimum: 1,
        maximum: 65535,
        description: 'With the MAC address, it identifies the channel on which the interface sends (SCI). Default: 1.',
      },
      read: ({ sci }) => Number.parseInt(String(sci).slice(12), 16),
      fallback: 1,
      forces: FIXED,
    },
    // The kernel makes it of the two, and takes no other without send_sci (macsec_newlink in drivers/net/macsec.c).
    sci: { words: () => [], forces: FIXED },
    cipher: {
      json: 'cipher_suite',
      schema: { enum: ['gcm-aes-128', 'gcm-aes-256'], description: 'The cipher. Default: gcm-aes-128.' },
      read: ({ cipher_suite }) => (typeof cipher_suite === 'string' ? cipher_suite.toLowerCase() : undefined),
      fallback: 'gcm-aes-128',
      forces: FIXED,
    },
    icvlen: {
      json: 'icv_len',
      schema: { type: 'integer', minimum: 8, maximum: 16, description: 'Bytes of the signature. Default: 16.' },
      fallback: 16,
      forces: FIXED,
    },
    encrypt: flag('encrypt', 'encrypt', 'Whether frames are encrypted.', false),
    protect: flag('protect', 'protect', 'Whether sent frames are signed.', true),
    send_sci: flag('inc_sci', 'send_sci', 'Whether each frame carries the SCI.', true),
    end_station: flag(
      'es',
      'end_station',
      'Whether the frames say that the MAC address alone identifies the channel.',
      false,
    ),
    scb: flag('scb', 'scb', 'Whether the frames carry the bit for single copy broadcast.', false),
    validate: {
      json: 'validation',
      schema: {
        enum: ['strict', 'check', 'disabled'],
        description:
          'Whether received frames that are not valid are dropped (strict), only counted (check), or not checked at all (disabled). Default: strict.',
      },
      fallback: 'strict',
    },
    window: {
      schema: {
        type: 'integer',
        minimum: 0,
        maximum: 4294967294,
        description:
          'How many frames late a received frame may arrive; later ones are dropped (replay protection). Default: no replay protection.',
      },
      words: (v) => (v === 'off' ? ['replay', 'off'] : ['replay', 'on', 'window', String(v)]),
      read: ({ replay_protect, window }) => (replay_protect === true ? window : 'off'),
      fallback: 'off',
    },
    encodingsa: {
      json: 'encoding_sa',
      schema: {
        type: 'integer',
        minimum: 0,
        maximum: 3,
        description: 'Number (`sa`) of the key in `tx` with which the interface sends. Default: 0.',
      },
      fallback: 0,
    },
    tx: apart(
      associations('Keys with which the interface sends. Default, with `rx`: one generated key, which is no secret.'),
    ),
    rx: apart({
      type: 'array',
      description:
        'Channels that the interface receives. Without `tx` and `rx`, a program such as wpa_supplicant sets the keys.',
      items: object('A channel that the interface receives.', {
        peer: text(
          'Another MACsec interface of the lab, as NAMESPACE:INTERFACE; netlab knows its channel and keys.',
          'h2:sec0',
        ),
        sci: { ...text('SCI of a station outside the lab.', '0200000000010001'), pattern: SCI },
        sas: associations('Keys of the station with this SCI.'),
        active,
      }),
    }),
  },
  lower: 'required',
  taker: 'macsec',
  // MACsec's own header, with the SCI, and the signature (macsec_newlink in drivers/net/macsec.c).
  mtu: (lower, { icvlen = 16 }) => (lower === undefined ? undefined : lower - 16 - Number(icvlen)),
  mtuWithinLower: true,
  // macsec_validate_attr in drivers/net/macsec.c.
  wrong: ({ send_sci, end_station, scb }) => {
    if (end_station === true && scb === true) return ['scb', 'a frame says end_station or scb, not both']
    const said = end_station === true ? 'end_station' : scb === true ? 'scb' : undefined
    return said !== undefined && send_sci !== false ? [said, `${said} needs send_sci: false`] : undefined
  },
  feature: { module: 'macsec', config: 'CONFIG_MACSEC', probe: 'ip link add link v0 name x0 type macsec' },
  byType: true,
}
