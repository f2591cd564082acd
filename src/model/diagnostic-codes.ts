import { importCodes } from './import-codes.ts'
import { lenderCodes } from './lender-codes.ts'
import { lintCodes } from './lint-codes.ts'
import { machineCodes } from './machine-codes.ts'
import { confirmCodes } from './confirm-codes.ts'
import { drillCodes } from './drill-codes.ts'
import { faultCodes } from './fault-codes.ts'
import { processCodes } from './process-codes.ts'
import { fileCodes } from './file-codes.ts'
import { packetCodes } from './packet-codes.ts'

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
  ...confirmCodes,
  ...fileCodes,
  ...lintCodes,
  ...drillCodes,
  ...faultCodes,
  ...processCodes,
  ...lenderCodes,
  ...importCodes,
  ...packetCodes,
  ...machineCodes,
  'ambiguous-interface': {
    cause: 'Several interfaces of the namespace have a subnet that contains the address.',
    remedy: 'Name the interface with `dev`.',
  },
  'bad-link-end': {
    cause: 'An end of a link is not `NAMESPACE:INTERFACE`, is `lo`, has a type of its own, or is used by another link.',
    remedy: 'Give the link two different ends that nothing else uses.',
  },
  'bad-name': {
    cause: 'The name is not valid for an interface, a namespace, a process or a variable.',
    remedy: 'Choose a shorter name of letters, digits, `_`, `.` and `-`.',
  },
  'bad-option': {
    cause: 'The value of an option or an environment variable is not valid.',
    remedy: 'Write the value as the message shows.',
  },
  'bad-plan-file': {
    cause: 'The file is not a plan, was damaged or edited, or comes from another version of netlab.',
    remedy: 'Save the plan again with `netlab plan LAB --out FILE`.',
  },
  'bad-port': {
    cause: 'The kernel does not accept this interface as a port of that bridge or VRF.',
    remedy: 'Connect the interface in another way, such as by a link between two bridges.',
  },
  'bad-range': {
    cause: 'A range is malformed, or produces too many values.',
    remedy: 'Write the range as `[1..40]`. If it produces too many values, make it smaller.',
  },
  'bad-rule-set': {
    cause: 'A rule set of a firewall cannot be read.',
    remedy: 'Correct that line.',
  },
  'bad-set': {
    cause: 'A set of ipset, one of its entries, or a rule that uses it is not valid.',
    remedy: 'Declare the set under `ipsets`, with entries of its type.',
  },
  'bad-tc': {
    cause: 'An entry of `qdiscs` is not a qdisc, class or filter that netlab can create and later recognize.',
    remedy: 'Write the arguments of `tc` as on a command line, including those that the message asks for.',
  },
  'bad-value': {
    cause: 'A value does not have the form that its field requires.',
    remedy: 'Write the value as the message shows.',
  },
  bug: {
    cause: 'netlab has an internal error.',
    remedy: 'Report the error with the command and the lab file.',
  },
  'cannot-write': {
    cause: 'A file that an option names cannot be written.',
    remedy: 'Name another file, or change the permissions.',
  },
  elsewhere: {
    cause: 'The lab is live in another place: on the machine itself, or in a user’s sandbox.',
    remedy: 'Run the command that the message shows, or continue here: the two places do not affect each other.',
  },
  'family-mismatch': {
    cause: 'IPv4 and IPv6 are mixed where the kernel accepts only one of them, or a field is only for the other.',
    remedy: 'Use addresses and fields of one family.',
  },
  'feature-missing': {
    cause: 'The kernel or the machine lacks something that the lab needs.',
    remedy: 'Do what the message says, or see `netlab doctor LAB`.',
  },
  'fixed-offload': {
    cause: 'The driver of an interface does not support, or cannot change, a setting of the lab.',
    remedy: 'Remove the setting. `ethtool -k` in the namespace lists those that can be changed.',
  },
  'foreign-resource': {
    cause: 'A namespace or interface with this name already exists and does not belong to the lab.',
    remedy:
      'Choose another name, remove the existing one, take it over with `--adopt`, or use an interface of the machine as it is with `existing: true`.',
  },
  'gateway-down': {
    cause: 'A route goes through an interface that is down in the lab.',
    remedy: 'Set the interface up, or remove the route.',
  },
  'given-twice': {
    cause: 'Two places in the lab declare the same thing.',
    remedy: 'Remove one of them.',
  },
  'host-bits': {
    cause: 'The destination of a route is an address inside a network, not the network.',
    remedy: 'Write the network that the message names.',
  },
  impairment: {
    cause: 'The settings of an impaired link contradict each other, or exceed what tc can do.',
    remedy: 'Change the value that the message names.',
  },
  'include-circle': {
    cause: 'A file includes itself, or a file that includes it.',
    remedy: 'Remove one of the includes.',
  },
  'ipv6-off': {
    cause: 'An interface has an IPv6 address, but a sysctl turns IPv6 off there.',
    remedy: 'Remove the address or the sysctl.',
  },
  'kernel-makes-it': {
    cause: 'The kernel adds this route itself, for an address.',
    remedy: 'Remove the route, or give it another metric or table.',
  },
  'kernel-unreadable': {
    cause: 'The kernel, or a program that queries it, did not answer.',
    remedy: 'See the tool’s output in the message; the most common reason is a missing permission.',
  },
  'lab-locked': {
    cause: 'Another run is changing this lab.',
    remedy: 'Wait for that run to finish, or set a longer `--lock-timeout`.',
  },
  'lab-not-live': {
    cause: 'Nothing of the lab exists on this machine.',
    remedy: 'Apply the lab first; `netlab list` lists the live labs.',
  },
  'legacy-rules': {
    cause: 'A namespace of the lab has rules of iptables-legacy, which netlab neither plans nor shows.',
    remedy: 'Remove them with the program that added them.',
  },
  'machine-limit': {
    cause: 'The lab exceeds a limit that the machine sets for all namespaces together.',
    remedy: 'Raise the sysctl that the message names.',
  },
  'machine-resource': {
    cause:
      'Something that the lab uses but does not own does not exist, is of another type, or would be changed by the lab.',
    remedy: 'Create it first, or use another one.',
  },
  'missing-field': {
    cause: 'A required field is missing.',
    remedy: 'Add the field.',
  },
  'neighbour-overflow': {
    cause: 'The kernel’s neighbour table was full during the checks, and packets were lost.',
    remedy: 'Raise the sysctl that the message names.',
  },
  'network-address': {
    cause: 'A host has the network address or the broadcast address of its subnet.',
    remedy: 'Give the host another address of the subnet.',
  },
  'no-bridge': {
    cause:
      'Something is used as a bridge, a port of one or a VXLAN, and is not, or the bridge is down or does not look at VLANs or groups.',
    remedy: 'Name a bridge, declare it under `bridges`, or change its settings.',
  },
  'no-lab-file': {
    cause: 'The command needs a lab file, and netlab found none, or more than one.',
    remedy: 'Name the file.',
  },
  'no-prefix-length': {
    cause: 'An address has no prefix length, so it has no subnet.',
    remedy: 'Write the address as `192.168.0.2/24`.',
  },
  'no-sandbox': {
    cause: 'netlab cannot create or enter a sandbox for labs without root.',
    remedy: 'Do what the message says, or run netlab as root.',
  },
  'no-subnet': {
    cause: 'No interface of the namespace has a subnet that contains this address.',
    remedy: 'Correct the address, or name the interface with `dev`.',
  },
  'no-terminal': {
    cause: 'The command asks for confirmation, and there is no terminal.',
    remedy: 'Check the plan, then run the command with `-y`.',
  },
  'not-in-sandbox': {
    cause: 'The lab needs something that only root may use, but runs in a user’s sandbox.',
    remedy: 'Run netlab as root, or remove it from the lab.',
  },
  'not-settled': {
    cause: 'A change did not last: another program undid it, or the kernel stores the value in another form.',
    remedy: 'Stop the program that the message names, or write the value as the kernel stores it.',
  },
  'not-the-labs': {
    cause: 'A lab cannot change this setting: it belongs to the machine, not to a network namespace.',
    remedy: 'Change the setting by hand, and remove it from the lab.',
  },
  'not-utf8': {
    cause: 'The file is not UTF-8.',
    remedy: 'Save it as UTF-8.',
  },
  'out-of-range': {
    cause: 'A number is larger or smaller than the kernel accepts.',
    remedy: 'Stay within the limit that the message names.',
  },
  'own-address': {
    cause: 'The gateway of a route is an address of the namespace itself.',
    remedy: 'Write the address of the router on the same subnet.',
  },
  'plan-stale': {
    cause: 'The live network has changed since the plan was made.',
    remedy: 'Plan again.',
  },
  'program-missing': {
    cause: 'A program that netlab runs is not installed.',
    remedy: 'Install the package that the message names.',
  },
  reserved: {
    cause: 'netlab uses this value to mark what it owns.',
    remedy: 'Remove the value, or choose another.',
  },
  'rule-refused': {
    cause: 'The kernel or the firewall tool refuses a rule or a set.',
    remedy: 'Correct it according to the tool’s error in the message.',
  },
  'runner-unusable': {
    cause: 'The runner that `NETLAB_RUNNER` selects does not work here.',
    remedy: 'Unset `NETLAB_RUNNER`.',
  },
  'second-name': {
    cause: 'A second name of a namespace is used where only the name of the namespace itself is valid.',
    remedy: 'Write the name of the namespace.',
  },
  'senseless-field': {
    cause: 'A field has no effect here, or contradicts another field.',
    remedy: 'Remove the field, or the one that it contradicts.',
  },
  'step-failed': {
    cause: 'A step of the plan failed. netlab undid the steps before it, unless `--no-rollback` was given.',
    remedy: 'See the tool’s error in the message.',
  },
  'unknown-command': {
    cause: 'netlab has no command with that name.',
    remedy: 'Use the command that the message names, or see `netlab --help`.',
  },
  'unknown-id': {
    cause: 'Nothing in the lab has the id in the option.',
    remedy: 'Take the ids from `netlab plan --json` or `netlab show --json`.',
  },
  'unknown-namespace': {
    cause: 'There is no live namespace with that name.',
    remedy: 'See `ip netns list`, or `netlab list`.',
  },
  'unknown-process': {
    cause: 'No process with that name exists or has a log, or several labs have one.',
    remedy: 'Write `NAMESPACE/PROCESS` and the name of the lab.',
  },
  'unknown-reference': {
    cause: 'A name refers to something that is not in the lab.',
    remedy: 'Correct the name, or declare the thing that it names.',
  },
  'unknown-template': {
    cause: '`netlab init` has no template with that name.',
    remedy: 'Use a template that `netlab init` lists.',
  },
  'unused-var': {
    cause: 'A variable is declared but not used.',
    remedy: 'Write its name in braces where its value belongs, or remove the variable.',
  },
  'value-refused': {
    cause: 'The kernel refuses the value of a sysctl.',
    remedy: 'Write a value that the kernel accepts.',
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
