import { amount, bool, command, int, listOf, object, textSchema } from './schema-words.ts'

const observe = object(
  {
    at: textSchema('Where to look: NAMESPACE:INTERFACE.', 'outside:eth0'),
    source: textSchema(
      'Source it must carry: an address, a subnet, or a namespace for its first address.',
      '203.0.113.1',
      'c1',
    ),
    destination: textSchema('Destination it must carry, likewise.', '10.0.0.0/8'),
    sport: int('Source port, of TCP or UDP.', 1, 65535),
    dport: int('Destination port, of TCP or UDP.', 1, 65535),
    protocol: { enum: ['icmp', 'icmp6', 'tcp', 'udp'], description: 'Protocol it must be.' },
    present: bool('Whether such a packet must be seen there. Default: true.'),
  },
  'What a packet looks like at a place.',
  ['at'],
)
/** The schema of a check. */
export const check = object(
  {
    name: textSchema('What it proves. Default: made from its fields.'),
    from: textSchema('The namespace that it is tried from.'),
    ping: textSchema('A namespace or address to ping.'),
    tcp: textSchema('ADDRESS:PORT or NAMESPACE:PORT to connect to.', 'web:80', '[fd00::2]:80'),
    udp: textSchema('ADDRESS:PORT or NAMESPACE:PORT to send to and hear from.'),
    to: textSchema(
      'NAMESPACE:PORT where netlab itself listens while tcp, udp or run is tried, unless something does already.',
      'c1:80',
    ),
    run: command,
    expect: {
      anyOf: [
        { enum: ['pass', 'fail'] },
        object(
          {
            exit: int('Exit code.', 0, 255),
            stdout: textSchema('What its output contains; `/…/` is a pattern.'),
            stderr: textSchema('The same for errors.'),
          },
          'What a command must end with.',
        ),
      ],
      description: 'Default: pass.',
    },
    timeout: amount('How long one try may take: seconds, or a duration.', '500ms'),
    within: amount('Try until it holds, at most so long: seconds, or a duration.', '30s'),
    count: int('How many pings, connections, datagrams or runs must succeed. Default: 1.', 1, 1000),
    mtu: int('With ping: size of the IP packet, with don’t-fragment, in bytes.', 68, 65535),
    observe: {
      anyOf: [observe, listOf(observe, 'Several places.')],
      description: 'What a packet looks like on its way; with run, any packet while the command runs.',
    },
  },
  'One thing that `netlab test` tries.',
  ['from'],
)
