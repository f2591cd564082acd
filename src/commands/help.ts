/** The end of a command's help and of its man page. */
export interface Help {
  /** Command lines, each with what it does. */
  readonly examples: readonly (readonly [command: string, meaning: string])[]
  /** Exit codes, each with its meaning. */
  readonly exitCodes: readonly (readonly [code: string, meaning: string])[]
}

const done = ['0', 'done'] as const
const failed = ['1', 'failed; the reason is on standard error'] as const
const usual = [done, failed]

const help: Readonly<Record<string, Help>> = {
  netlab: {
    examples: [
      ['netlab init router', 'write router.yaml, a lab to begin with'],
      ['netlab plan router.yaml', 'what would change'],
      ['netlab apply router.yaml', 'make it so'],
      ['netlab test router.yaml', 'run the checks of the lab'],
      ['netlab exec ns0 -- ip route', 'look at it from inside'],
      ['netlab destroy router.yaml', 'take it away'],
    ],
    exitCodes: [
      done,
      ['1', 'failed, or a check did not hold'],
      ['2', 'plan --detailed-exitcode: there are changes'],
      ['130', 'interrupted'],
      ['141', 'nobody reads the output any more'],
    ],
  },
  validate: {
    examples: [
      ['netlab validate lab.yaml', 'errors and warnings, each with its line'],
      ['netlab validate lab.yaml --json', 'the same for programs'],
    ],
    exitCodes: [
      ['0', 'valid, perhaps with warnings'],
      ['1', 'not valid'],
    ],
  },
  plan: {
    examples: [
      ['netlab plan lab.yaml', 'what apply would change'],
      ['netlab plan lab.yaml --commands', 'the commands you would type instead'],
      ['netlab plan lab.yaml --out lab.plan', 'save it, for netlab apply lab.plan'],
      ['netlab plan --detailed-exitcode', 'for scripts: is there drift?'],
    ],
    exitCodes: [
      ['0', 'planned; with --detailed-exitcode: nothing to do'],
      failed,
      ['2', 'with --detailed-exitcode: there are changes'],
    ],
  },
  apply: {
    examples: [
      ['netlab apply lab.yaml', 'show the plan, ask, then do it'],
      ['netlab apply lab.yaml -y', 'without asking'],
      ['netlab apply --set hosts=100', 'with another value for a var'],
      ['netlab apply --revert-after 60s', 'undone in a minute without netlab confirm'],
      ['netlab apply lab.plan', 'a plan saved by netlab plan --out'],
    ],
    exitCodes: [
      ['0', 'done and verified, or nothing to do'],
      ['1', 'failed and rolled back, or the answer was no'],
      ['130', 'interrupted and rolled back'],
    ],
  },
  destroy: {
    examples: [
      ['netlab destroy lab.yaml', 'show what goes, ask, then remove it'],
      ['netlab destroy lab -y', 'by its name, without asking'],
      ['netlab destroy lab --force', 'also end processes of others in it'],
    ],
    exitCodes: [
      ['0', 'done, or nothing was there'],
      ['1', 'failed, or the answer was no'],
      ['130', 'interrupted'],
    ],
  },
  confirm: {
    examples: [['netlab confirm lab', 'keep what netlab apply --revert-after did']],
    exitCodes: [done, ['1', 'nothing waits to be confirmed']],
  },
  show: {
    examples: [
      ['netlab show lab', 'the whole lab'],
      ['netlab show ns0', 'one namespace'],
      ['netlab show ns0 --rules', 'its firewall rules, with counters'],
      ['netlab show lab.yaml --desired', 'the file with every short form written out'],
    ],
    exitCodes: [done, ['1', 'failed, or the lab is not live']],
  },
  graph: {
    examples: [
      ['netlab graph lab.yaml > lab.svg', 'a picture of what the file asks for'],
      ['netlab graph lab.yaml --live', 'what is down, missing or changed'],
      ['netlab graph lab.yaml --plan', 'what apply would change'],
      ['netlab graph lab.yaml --format mermaid', 'for Markdown; dot is for Graphviz'],
      ['netlab graph lab.yaml --pin', 'fix the positions, in lab.layout.yaml'],
    ],
    exitCodes: usual,
  },
  list: {
    examples: [
      ['netlab list', 'every live lab and its namespaces'],
      ['netlab list --json', 'the same for programs'],
    ],
    exitCodes: usual,
  },
  exec: {
    examples: [
      ['netlab exec ns0 -- ip route', 'the routes of ns0'],
      ['netlab exec ns0 -- ping -c1 ns1', 'names of the lab resolve'],
    ],
    exitCodes: [
      ['0-255', 'that of the command; 128 + N if signal N ended it'],
      ['1', 'also: there is no such namespace or command'],
    ],
  },
  shell: {
    examples: [
      ['netlab shell ns0', 'a shell in ns0; exit leaves it'],
      ['netlab shell', 'without root: where all your labs are'],
    ],
    exitCodes: [
      ['0-255', 'that of the shell'],
      ['1', 'also: there is no such namespace'],
    ],
  },
  logs: {
    examples: [
      ['netlab logs web/nginx', 'what nginx in web has printed'],
      ['netlab logs web/nginx -f', 'and what it prints from now on'],
      ['netlab logs lab.yaml', 'what all its processes have printed'],
    ],
    exitCodes: usual,
  },
  test: {
    examples: [
      ['netlab test lab.yaml', 'run the checks of a live lab'],
      ['netlab test --junit results.xml', 'a report for CI as well'],
      ["netlab test --only 'web tcp'", 'the checks with this in their names'],
      ['netlab test --watch', 'again whenever the lab file changes'],
    ],
    exitCodes: [
      ['0', 'every check holds'],
      ['1', 'a check does not hold, or the lab is not live'],
      ['3', 'a check could not be tried, and none failed'],
      ['130', 'with --watch: Ctrl-C'],
    ],
  },
  doctor: {
    examples: [
      ['netlab doctor', 'everything that netlab can use'],
      ['netlab doctor lab.yaml', 'only what this lab needs'],
    ],
    exitCodes: [
      ['0', 'nothing is missing'],
      ['1', 'something is missing; the output says how to get it'],
    ],
  },
  fmt: {
    examples: [
      ['netlab fmt', 'lay out the lab of this directory'],
      ['netlab fmt labs', 'every lab file in labs'],
      ['netlab fmt --check labs', 'for CI: name the files that are not'],
      ['netlab fmt - < lab.yaml', 'for editors: from standard input'],
    ],
    exitCodes: [
      ['0', 'done; with --check: nothing to do'],
      ['1', 'failed; with --check: a file is not laid out so'],
    ],
  },
  init: {
    examples: [
      ['netlab init', 'list the templates'],
      ['netlab init nat', 'write nat.yaml'],
      ['netlab init nat -o mine.yaml', 'write mine.yaml'],
      ['netlab init nat -o - | less', 'only read it'],
    ],
    exitCodes: [done, ['1', 'failed: no such template, or the file exists']],
  },
  completion: {
    examples: [
      ['netlab completion bash', 'for bash; its first lines say where it goes'],
      ['netlab completion zsh', 'for zsh'],
      ['netlab completion fish', 'for fish'],
    ],
    exitCodes: usual,
  },
  schema: {
    examples: [['netlab schema > lab.schema.json', 'for an editor, or a validator in CI']],
    exitCodes: usual,
  },
}

/** The examples and exit codes of a command, `netlab` for the program itself. Throws for a command that has none. */
export function helpOf(command: string): Help {
  const found = help[command]
  if (!found) throw new Error(`src/commands/help.ts has nothing about ${command}`)
  return found
}

/** The end of what `--help` prints, without the last line break. */
export function helpText(command: string): string {
  const { examples, exitCodes } = helpOf(command)
  const lines = (rows: readonly (readonly [string, string])[]): string => {
    const width = Math.max(...rows.map(([left]) => left.length))
    return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}\n`).join('')
  }
  return `\nExamples:\n${lines(examples)}\nExit codes:\n${lines(exitCodes)}`.trimEnd()
}
