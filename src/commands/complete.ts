import type { Command, Option } from 'commander'
import { owners } from '../observe/owners.ts'
import type { Host } from '../model/host.ts'
import { startRunner } from '../run/choose-runner.ts'
import { descriptionOf, TEMPLATES } from './init.ts'
import { locate } from './locate.ts'
import { knownLogs } from './logs.ts'
import { loadLocated } from './open-located.ts'

/** What may stand at the cursor. */
interface Completion {
  /** Words, each with what it means. */
  readonly words: readonly (readonly [word: string, meaning: string])[]
  /** What the shell offers besides: file names, those of lab files, or programs. */
  readonly besides?: 'files' | 'labs' | 'programs'
}

/** The command line up to the cursor, without options and their values. */
interface Line {
  readonly host: Host
  readonly command: Command
  readonly positional: readonly string[]
}

type Source = (line: Line) => Completion | Promise<Completion>

const none: Completion = { words: [] }

/** The words of ip, tc, bridge, tcpdump, ping and others that the name of an interface follows. */
const NAMES_INTERFACE = new Set(['dev', 'iif', 'oif', 'master', '-i', '-I', '--interface'])

/** What is offered for an argument, or for the value of an option, by its name; first by that of its command and its own. */
const sources: Readonly<Record<string, Source>> = {
  lab: async ({ host }) => ({ words: await liveLabs(host), besides: 'labs' }),
  'confirm lab': async ({ host }) => ({ words: await liveLabs(host) }),
  'show lab': async ({ host }) => ({
    words: [...(await liveLabs(host)), ...(await namespaces(host))],
    besides: 'labs',
  }),
  ns: async ({ host }) => ({ words: await namespaces(host) }),
  'ns[:if]': async ({ host }) => ({ words: await namespaces(host) }),
  'ns/process': ({ host }) => ({ words: knownLogs(host).map(({ process, lab }) => [process, `of lab ${lab}`]) }),
  id: ({ host, positional }) => ({ words: ids(host, positional[0]) }),
  cmd: async ({ host, positional: [namespace = '', ...words] }) =>
    NAMES_INTERFACE.has(words.at(-1) ?? '')
      ? { words: await interfaces(host, namespace) }
      : { words: [], besides: words.length ? 'files' : 'programs' },
  file: () => ({ words: [], besides: 'files' }),
  from: () => ({ words: [], besides: 'labs' }),
  to: () => ({ words: [], besides: 'labs' }),
  'fmt file': () => ({ words: [], besides: 'labs' }),
  'graph format': () => ({ words: ['svg', 'html', 'mermaid', 'dot', 'json'].map((word) => [word, '']) }),
  template: () => ({ words: TEMPLATES.map((name) => [name, descriptionOf(name)]) }),
}

/**
 * `netlab complete -- WORD…`, for the scripts of `netlab completion`: prints what may stand in place of the last word, a word and its meaning per
 * line, and at last what the shell is to offer besides. Never fails: what cannot be read is not offered.
 */
export async function complete(host: Host, program: Command, args: readonly string[]): Promise<number> {
  const current = args.at(-1) ?? ''
  const { words, besides } = await completionOf(host, program, args.slice(0, -1), current).catch(() => none)
  const lines = words.filter(([word]) => word.startsWith(current)).map(([word, meaning]) => `${word}\t${meaning}`)
  // A name that somebody else made may have a line break, which would make it two.
  const harmless = lines.filter((line) => !/[\n\r]/.test(line))
  process.stdout.write([...harmless, ...(besides ? [`:${besides}`] : [])].map((line) => `${line}\n`).join(''))
  return 0
}

async function completionOf(
  host: Host,
  program: Command,
  before: readonly string[],
  current: string,
): Promise<Completion> {
  const start = before.findIndex((word) => !word.startsWith('-'))
  const commands = program.createHelp().visibleCommands(program)
  const command = commands.find((one) => one.name() === before[start])
  if (start < 0)
    return current.startsWith('-')
      ? { words: optionWords(program, []) }
      : { words: commands.map((one) => [one.name(), one.description()]) }
  if (!command) return none
  if (command.name() === 'help') return { words: commands.map((one) => [one.name(), one.description()]) }

  const { positional, valued, isOver } = split(command, before.slice(start + 1))
  const line: Line = { host, command, positional }
  if (valued && !(valued.variadic && current.startsWith('-'))) return await offered(line, valueName(valued))
  const [, long, value] = /^(--[^=]+)=(.*)/s.exec(current) ?? []
  if (long !== undefined && value !== undefined && !isOver) {
    const option = command.options.find((one) => one.long === long)
    const { words, besides } = option ? await offered(line, valueName(option)) : none
    return { words: words.map(([word, meaning]) => [`${long}=${word}`, meaning]), ...(besides && { besides }) }
  }
  if (current.startsWith('-') && !isOver) return { words: optionWords(command, before) }
  const argument = command.registeredArguments[positional.length] ?? command.registeredArguments.at(-1)
  if (!argument || (positional.length >= command.registeredArguments.length && !argument.variadic)) return none
  if (argument.argChoices) return { words: argument.argChoices.map((word) => [word, '']) }
  return await offered(line, argument.name())
}

const offered = async (line: Line, name: string): Promise<Completion> =>
  (sources[`${line.command.name()} ${name}`] ?? sources[name])?.(line) ?? none

/** The name of an option's value: `id` of `--target <id...>`. */
const valueName = ({ flags }: Option): string => /[<[]([^.>\]]+)/.exec(flags)?.[1] ?? ''

/** The words without options. `valued`: the option whose value comes next; `isOver`: options have no meaning any more. */
function split(
  command: Command,
  words: readonly string[],
): { readonly positional: readonly string[]; readonly valued?: Option; readonly isOver: boolean } {
  const positional: string[] = []
  let valued: Option | undefined
  let isOver = false
  for (const word of words) {
    // In exec, -- may stand before the command, which has options of its own.
    if (word === '--' && (!isOver || positional.length === 1)) isOver = true
    else if (isOver) positional.push(word)
    else if (word.startsWith('-') && word !== '-') {
      const option = command.options.find(({ short, long }) => word === short || word === long)
      valued = option?.required || option?.optional ? option : undefined
      continue
    } else if (valued) {
      if (valued.variadic) continue
    } else {
      positional.push(word)
      isOver ||= command.name() === 'exec'
    }
    valued = undefined
  }
  return { positional, isOver, ...(valued && { valued }) }
}

/** The options of a command, without those that were given and may be given once. */
const optionWords = (command: Command, given: readonly string[]): Completion['words'] =>
  command
    .createHelp()
    .visibleOptions(command)
    .filter(({ short, long, variadic }) => variadic || !given.some((word) => word === short || word === long))
    .map(({ long, short, description }) => [long ?? short ?? '', description])

const liveLabs = async (host: Host): Promise<[string, string][]> =>
  [...(await owners(startRunner(host))).byLab].map(([name, { length }]) => [
    name,
    `live, ${length} ${length === 1 ? 'namespace' : 'namespaces'}`,
  ])

const namespaces = async (host: Host): Promise<[string, string][]> =>
  [...(await owners(startRunner(host))).byNamespace].map(([name, lab]) => [
    name,
    lab === undefined ? 'of no lab' : `of lab ${lab}`,
  ])

/** The interfaces of a namespace. */
async function interfaces(host: Host, netns: string): Promise<[string, string][]> {
  const [dump] = await startRunner(host).dump([{ netns, sysctls: [], depth: 'links' }])
  return (dump?.links ?? []).map(({ ifname, linkinfo }) => [ifname, linkinfo?.info_kind ?? ''])
}

/** The ids of the lab that the line names, or of the one of this directory. */
const ids = (host: Host, lab: string | undefined): [string, string][] =>
  [...(loadLocated(locate(lab, { say: () => {} }), host)?.resources.values() ?? [])].map(({ id, kind }) => [id, kind])
