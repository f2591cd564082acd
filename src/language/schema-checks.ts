import { amount, bool, command, int, listOf, object, textSchema } from './schema-words.ts'

const observe = object(
  {
    at: textSchema('The interface to capture at: NAMESPACE:INTERFACE.', 'outside:eth0'),
    source: textSchema(
      'Expected source: an address, a subnet, or a namespace (its first address).',
      '203.0.113.1',
      'c1',
    ),
    destination: textSchema('Expected destination, in the same forms.', '10.0.0.0/8'),
    sport: int('Expected source port (TCP or UDP).', 1, 65535),
    dport: int('Expected destination port (TCP or UDP).', 1, 65535),
    protocol: { enum: ['icmp', 'icmp6', 'tcp', 'udp'], description: 'Expected protocol.' },
    present: bool('Whether such a packet must pass; `false`: must not pass. Default: true.'),
  },
  'A packet expected at an interface.',
  ['at'],
)
/** The schema of a check. */
export const check = object(
  {
    name: textSchema('Name of the check, shown in the results. Default: made from its fields.'),
    from: textSchema('The namespace in which the check runs.'),
    ping: textSchema('A namespace or address to ping.'),
    tcp: textSchema('ADDRESS:PORT or NAMESPACE:PORT to connect to.', 'web:80', '[fd00::2]:80'),
    udp: textSchema('ADDRESS:PORT or NAMESPACE:PORT to send a datagram to; an answer must come back.'),
    to: textSchema(
      'NAMESPACE:PORT where netlab itself listens during the check (tcp, udp or run), unless a program already does.',
      'c1:80',
    ),
    run: command,
    expect: {
      anyOf: [
        { enum: ['pass', 'fail'] },
        object(
          {
            exit: int('Exit code.', 0, 255),
            stdout: textSchema('Text that the output must contain; `/…/` is a regular expression.'),
            stderr: textSchema('The same for standard error.'),
          },
          'The expected result of a command.',
        ),
      ],
      description: 'Default: pass.',
    },
    timeout: amount('Time limit of one attempt: seconds, or a duration.', '500ms'),
    within: amount('Repeat the check until it passes, for at most this time: seconds, or a duration.', '30s'),
    during: textSchema('A timeline of `faults` that runs while the check is made.', 'flap'),
    count: int('How many pings, connections, datagrams or runs must succeed. Default: 1.', 1, 1000),
    mtu: int('For ping: size of the IP packet in bytes, sent with don’t-fragment.', 68, 65535),
    observe: {
      anyOf: [observe, listOf(observe, 'Packets expected at several interfaces.')],
      description: 'The packet expected at an interface on the way. For run: any packet while the command runs.',
    },
  },
  'A check that `netlab test` runs.',
  ['from'],
)
