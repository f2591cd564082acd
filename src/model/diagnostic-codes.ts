import { lenderCodes } from './lender-codes.ts'
import { lintCodes } from './lint-codes.ts'
import { processCodes } from './process-codes.ts'

/** The meaning of a code: what is wrong and why, and what to do about it. */
interface Explanation {
  readonly cause: string
  readonly remedy: string
}

/**
 * The codes of diagnostics: about one for each kind of mistake, the same in all versions, so that programs can rely on them.
 * docs/errors.md is generated from this table (scripts/docs.mjs); the bundle of the program does not contain it.
 */
export const codes = {
  ...lintCodes,
  ...processCodes,
  ...lenderCodes,
  'ambiguous-interface': {
    cause: 'An address may be on several interfaces of the namespace.',
    remedy: 'Name the interface with `dev`.',
  },
  'bad-check': {
    cause: 'A check, or an observation in it, does not say one thing that can be tried.',
    remedy: 'Give exactly one of `ping`, `tcp`, `udp` and `run`, with the fields that belong to it.',
  },
  'bad-link-end': {
    cause: 'An end of a link is not `NAMESPACE:INTERFACE`, is `lo`, has a type of its own, or is used by another link.',
    remedy: 'Give the link two different ends that nothing else uses.',
  },
  'bad-name': {
    cause: 'The name cannot be one of an interface, a namespace, a process or a variable.',
    remedy: 'Choose a shorter one of letters, digits, `_`, `.` and `-`.',
  },
  'bad-option': {
    cause: 'An option or a variable of the environment has a value that means nothing.',
    remedy: 'Write it in the form that the message shows.',
  },
  'bad-plan-file': {
    cause: 'The file is no plan, was damaged or changed, or comes from another version of netlab.',
    remedy: 'Make it again with `netlab plan LAB --out FILE`.',
  },
  'bad-port': {
    cause: 'The kernel does not take this interface as a port of that bridge or VRF.',
    remedy: 'Join it in another way, such as with a link between two bridges.',
  },
  'bad-range': {
    cause: 'A range is malformed, or repeats what is in its reach too often.',
    remedy: 'Write it as `[1..40]`, and make it smaller where it makes too many values.',
  },
  'bad-rule-set': {
    cause: 'A rule set of a firewall cannot be read.',
    remedy: 'Correct that line.',
  },
  'bad-set': {
    cause: 'A set of ipset, an entry of it, or a rule that uses it is wrong.',
    remedy: 'Declare the set under `ipsets`, with entries of its type.',
  },
  'bad-tc': {
    cause: 'An entry of `qdiscs` is no qdisc, class or filter that netlab can make, or can find again.',
    remedy: 'Write what follows `tc` on a command line, with the words that the message asks for.',
  },
  'bad-value': {
    cause: 'A value does not have the form that its field takes.',
    remedy: 'Write it as the message shows.',
  },
  bug: {
    cause: 'Something happened in netlab that it does not expect.',
    remedy: 'Report it with the command and the lab file.',
  },
  'cannot-write': {
    cause: 'A file that an option names cannot be written.',
    remedy: 'Name another, or change its permissions.',
  },
  elsewhere: {
    cause: 'The lab is live in another world of the machine: on the machine itself, or in a user’s sandbox.',
    remedy: 'Call netlab as the message says, or go on: the worlds do not disturb each other.',
  },
  'family-mismatch': {
    cause: 'IPv4 and IPv6 are mixed where the kernel takes one of them, or a field belongs to the other.',
    remedy: 'Use addresses and fields of one family.',
  },
  'feature-missing': {
    cause: 'The kernel or the machine lacks something that the lab needs.',
    remedy: 'Do what the message says, or see `netlab doctor LAB`.',
  },
  'fixed-offload': {
    cause: 'The driver of an interface does not have, or does not change, what the lab sets of it.',
    remedy: 'Leave it out; `ethtool -k` in the namespace lists what can be changed.',
  },
  'foreign-resource': {
    cause: 'Something of this name exists, and is not the lab’s.',
    remedy: 'Choose another name, remove it, or take a namespace over with `--adopt`.',
  },
  'gateway-down': {
    cause: 'A route leads through an interface that the lab keeps down.',
    remedy: 'Set the interface up, or leave the route out.',
  },
  'given-twice': {
    cause: 'The same thing is given in two places.',
    remedy: 'Say it once.',
  },
  'host-bits': {
    cause: 'The destination of a route is an address inside a network, not the network.',
    remedy: 'Write the network that the message names.',
  },
  impairment: {
    cause: 'The settings of a slow or lossy link contradict each other, or are more than tc can do.',
    remedy: 'Change the value that the message points at.',
  },
  'include-circle': {
    cause: 'A file includes itself, or a file that includes it.',
    remedy: 'Remove one of the includes.',
  },
  'ipv6-off': {
    cause: 'An interface has an IPv6 address, and IPv6 is switched off there.',
    remedy: 'Remove the address or the sysctl.',
  },
  'kernel-makes-it': {
    cause: 'The kernel makes this route itself, with an address.',
    remedy: 'Leave it out, or give it another metric or table.',
  },
  'kernel-unreadable': {
    cause: 'The kernel, or a program that asks it, did not answer.',
    remedy: 'See what the message quotes; most often a right is missing.',
  },
  'lab-locked': {
    cause: 'Another run is changing this lab.',
    remedy: 'Wait for it, or give `--lock-timeout` more time.',
  },
  'lab-not-live': {
    cause: 'The lab has nothing on this machine.',
    remedy: 'Apply it first; `netlab list` shows what is live.',
  },
  'legacy-rules': {
    cause: 'A namespace of the lab has rules of iptables-legacy, which netlab neither plans nor shows.',
    remedy: 'Remove them with the program that made them.',
  },
  'machine-limit': {
    cause: 'The lab needs more than the machine allows all namespaces together.',
    remedy: 'Raise the sysctl that the message names.',
  },
  'machine-resource': {
    cause: 'What the lab uses and has not made is not there, is of another kind, or would be changed by the lab.',
    remedy: 'Make it first, or name another.',
  },
  'missing-field': {
    cause: 'A field is missing without which the rest means nothing.',
    remedy: 'Add it.',
  },
  'neighbour-overflow': {
    cause: 'The kernel had no room for neighbours during the checks, and lost packets.',
    remedy: 'Raise the sysctl that the message names.',
  },
  'network-address': {
    cause: 'A host has the address of its network, or the one for broadcasts.',
    remedy: 'Give it another one of the subnet.',
  },
  'no-bridge': {
    cause:
      'Something is used as a bridge, a port of one or a VXLAN, and is not, or the bridge is down or does not look at VLANs or groups.',
    remedy: 'Name a bridge, declare it under `bridges`, or change its settings.',
  },
  'no-lab-file': {
    cause: 'The command needs a lab file, and none, or no single one, was found.',
    remedy: 'Name the file.',
  },
  'no-prefix-length': {
    cause: 'An address has no prefix length, and so no subnet.',
    remedy: 'Write it as `192.168.0.2/24`.',
  },
  'no-sandbox': {
    cause: 'No sandbox can be made or entered for labs without root.',
    remedy: 'Do what the message says, or run netlab as root.',
  },
  'no-subnet': {
    cause: 'No interface of the namespace has a subnet with this address.',
    remedy: 'Correct the address, or name the interface with `dev`.',
  },
  'no-terminal': {
    cause: 'The command asks before it begins, and there is nobody to ask.',
    remedy: 'Look at the plan, then run it with `-y`.',
  },
  'no-watchdog': {
    cause: 'The process that would take the change back does not start.',
    remedy: 'Nothing was changed; try again, or without `--revert-after`.',
  },
  'not-in-sandbox': {
    cause: 'The lab needs something that only root has, and is to live in a user’s sandbox.',
    remedy: 'Run netlab as root, or leave it out.',
  },
  'not-settled': {
    cause: 'What was done is undone again: by another program, or by the kernel, which holds it in another form.',
    remedy: 'Stop the program that the message names, or write the value as the kernel holds it.',
  },
  'not-the-labs': {
    cause: 'A lab cannot change this: it is the machine’s own, or no setting of a network namespace.',
    remedy: 'Change it by hand, or leave it out.',
  },
  'not-utf8': {
    cause: 'The file is not UTF-8.',
    remedy: 'Save it as UTF-8.',
  },
  'nothing-to-confirm': {
    cause: 'No apply with `--revert-after` of this lab waits for a word.',
    remedy: 'See `netlab plan`: it may have been taken back already.',
  },
  'out-of-range': {
    cause: 'A number is larger or smaller than the kernel takes.',
    remedy: 'Stay within the limit that the message names.',
  },
  'own-address': {
    cause: 'The gateway of a route is the namespace’s own address.',
    remedy: 'Write the router’s address on the same subnet.',
  },
  'plan-stale': {
    cause: 'The live network is no longer the one that the plan was made for.',
    remedy: 'Plan again.',
  },
  'program-missing': {
    cause: 'A program that netlab runs is not installed.',
    remedy: 'Install the package that the message names.',
  },
  reserved: {
    cause: 'This is where netlab marks what it owns.',
    remedy: 'Leave it out, or choose another value.',
  },
  'rule-refused': {
    cause: 'The kernel, or the tool of the firewall, refuses a rule or a set.',
    remedy: 'Correct it as the tool’s words say.',
  },
  'runner-unusable': {
    cause: 'The way of reading the kernel that was asked for does not work here.',
    remedy: 'Leave `NETLAB_RUNNER` out.',
  },
  'second-name': {
    cause: 'A second name of a namespace is used where only the namespace itself can stand.',
    remedy: 'Write the name of the namespace.',
  },
  'senseless-field': {
    cause: 'A field means nothing here, or contradicts another.',
    remedy: 'Leave one of them out.',
  },
  'step-failed': {
    cause: 'A step of the plan failed, and what was done before was taken back, unless `--no-rollback` was given.',
    remedy: 'See the tool’s words in the message.',
  },
  'unknown-command': {
    cause: 'netlab has no command of that name.',
    remedy: 'Use the one that the message names, or see `netlab --help`.',
  },
  'unknown-id': {
    cause: 'Nothing in the lab has the id that an option names.',
    remedy: 'Take the ids from `netlab plan --json` or `netlab show --json`.',
  },
  'unknown-namespace': {
    cause: 'No namespace of that name is live.',
    remedy: 'See `ip netns list`, or `netlab list`.',
  },
  'unknown-process': {
    cause: 'There is no process, or no log of one, by that name, or several labs have one.',
    remedy: 'Write `NAMESPACE/PROCESS`, and the lab.',
  },
  'unknown-reference': {
    cause: 'Something is named that the lab does not have.',
    remedy: 'Correct the name, or declare what it names.',
  },
  'unreadable-file': {
    cause: 'A file that is named cannot be read; as a warning: it lies outside the folder of the lab file.',
    remedy: 'Correct the path, its permissions or its content.',
  },
  'unknown-template': {
    cause: '`netlab init` has no template of that name.',
    remedy: 'Take one of those that `netlab init` lists.',
  },
  'unused-var': {
    cause: 'A var is declared, and nothing uses it.',
    remedy: 'Write its name in braces where it belongs, or remove it.',
  },
  'value-refused': {
    cause: 'The kernel refuses the value of a sysctl.',
    remedy: 'Write a value that it takes.',
  },
  'wrong-shape': {
    cause: 'The lab file has a field that does not exist, or a value of the wrong type.',
    remedy: 'See the reference in docs/language.md.',
  },
  'yaml-syntax': {
    cause: 'The file is no YAML.',
    remedy: 'Correct that line.',
  },
} as const satisfies Readonly<Record<string, Explanation>>

export type Code = keyof typeof codes
