import { amount, command, int, listOf, map, object, textSchema, type Schema } from './schema-words.ts'

const ready = object(
  {
    tcp: int('Something listens on this TCP port in the namespace.', 1, 65535),
    udp: int('Something listens on this UDP port in the namespace.', 1, 65535),
    file: textSchema('This file exists.', '/run/frr/zebra.vty'),
    run: {
      ...command,
      description:
        'This command ends with 0: a program and its arguments as a list, or text for a shell, as in checks.',
      examples: ["vtysh -c 'show ip ospf'"],
    },
    log: textSchema(
      'A line that it has printed since it was started matches this pattern; `/…/i` ignores the case of letters.',
      '/listening on port \\d+/',
    ),
    timeout: amount(
      'How long apply waits: seconds, or a duration. Default: 10s. A process that is not ready by then is ended.',
      '30s',
    ),
  },
  'What apply waits for: all that is given has to hold. Default: that it has run for a moment without ending.',
)

const name: Schema = { type: 'string', examples: ['db', 'r1/zebra'] }

/** A process. */
export const processSchema = object(
  {
    command,
    env: map({ type: ['string', 'number', 'boolean'] }, 'Environment variables.'),
    cwd: textSchema('Working directory; relative to the folder of the lab file. Default: /.'),
    reload: {
      ...command,
      description:
        'The program, with its arguments, that makes it read its files again when `files` change. Default: it is started again.',
    },
    ready,
    after: {
      anyOf: [name, listOf(name, 'Several.')],
      description:
        'Other processes, NAME in the same namespace or NAMESPACE/NAME: it is started when they are ready, and stopped before them. A restart of theirs does not restart it.',
    },
    user: {
      type: ['string', 'integer'],
      description:
        'The user that it runs as, a name or a number, with the groups that a login gives. Default: the one that netlab runs as.',
      examples: ['nobody'],
    },
    group: {
      type: ['string', 'integer'],
      description: 'Its group, a name or a number. Default: that of the user.',
      examples: ['nogroup'],
    },
    stop: textSchema('The signal that ends it. Default: SIGTERM.', 'SIGINT'),
    stop_timeout: amount(
      'How long it may take to end after that signal before it gets SIGKILL: seconds, or a duration. Default: 2s.',
      '10s',
    ),
    once: {
      type: 'boolean',
      description:
        'It is done when it has ended with 0: apply waits for that, at most `ready.timeout`, and it does not run again until it or its namespace changes.',
    },
    restart: {
      enum: ['always', 'on-failure', 'never'],
      description: 'When it is started again after it ended. Default: never.',
    },
  },
  'A program that runs in the namespace from apply to destroy.',
  ['command'],
)

/** The commands that prepare a namespace. */
export const setupSchema: Schema = {
  ...listOf(command, 'Commands.'),
  minItems: 1,
  description:
    'Commands that run once in the namespace, in this order, after its interfaces, addresses, routes and firewall are there and before its processes are started; again only when they or the namespace change. What they make is somebody else’s, as with `others: keep`.',
  examples: [['sysctl -w net.ipv4.ip_default_ttl=32', ['ip', 'route', 'add', 'blackhole', '10.9.0.0/16']]],
}
