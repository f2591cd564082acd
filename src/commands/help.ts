import { faultHelp } from './fault-help.ts'
import { packetHelp } from './packet-help.ts'

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
      ['netlab init router', 'write router.yaml, an example lab'],
      ['netlab plan router.yaml', 'show what apply would change'],
      ['netlab apply router.yaml', 'create the lab'],
      ['netlab test router.yaml', 'run the checks of the lab'],
      ['netlab exec ns0 -- ip route', 'run a command in a namespace of the lab'],
      ['netlab destroy router.yaml', 'remove the lab'],
    ],
    exitCodes: [
      done,
      ['1', 'failed, or a check failed'],
      ['2', 'plan --detailed-exitcode: there are changes'],
      ['130', 'interrupted'],
      ['141', 'the reader of the output closed the pipe'],
    ],
  },
  validate: {
    examples: [
      ['netlab validate lab.yaml', 'list errors and warnings with their lines'],
      ['netlab validate lab.yaml --json', 'the same as JSON'],
    ],
    exitCodes: [
      ['0', 'valid; there may be warnings'],
      ['1', 'not valid'],
    ],
  },
  diff: {
    examples: [
      ['netlab diff old.yaml new.yaml', 'what new.yaml would change'],
      ['netlab diff HEAD:./lab.yaml lab.yaml', 'what is not committed yet'],
      ['netlab diff v1:lab.yaml v2:lab.yaml', 'between two revisions'],
      ['netlab diff a.yaml b.yaml --format markdown', 'for a pull request'],
      ['netlab diff main:lab.yaml lab.yaml --test', 'and run its checks'],
    ],
    exitCodes: [
      ['0', 'compared; with --detailed-exitcode: no changes'],
      ['1', 'failed; with --test: a check failed'],
      ['2', 'with --detailed-exitcode: there are changes'],
      ['3', 'with --test: a check could not be tried, and none failed'],
    ],
  },
  export: {
    examples: [
      ['netlab export lab.yaml > lab.sh', 'a script that builds the lab'],
      ['netlab export lab.yaml | ssh root@other sh', 'build it on another machine'],
    ],
    exitCodes: usual,
  },
  plan: {
    examples: [
      ['netlab plan lab.yaml', 'show what apply would change'],
      ['netlab plan lab.yaml --commands', 'print the equivalent commands'],
      ['netlab plan lab.yaml --reach', 'which pairs gain or lose reachability'],
      ['netlab plan lab.yaml --out lab.plan', 'save the plan for netlab apply lab.plan'],
      ['netlab plan --detailed-exitcode', 'detect drift in a script'],
      ['netlab plan lab.yaml --test', 'and what the checks will say after it'],
    ],
    exitCodes: [
      ['0', 'planned; with --detailed-exitcode: no changes'],
      ['1', 'failed; with --test: a check failed'],
      ['2', 'with --detailed-exitcode: there are changes'],
      ['3', 'with --test: a check could not be tried, and none failed'],
    ],
  },
  apply: {
    examples: [
      ['netlab apply lab.yaml', 'show the plan, ask, then apply it'],
      ['netlab apply lab.yaml -y', 'without asking'],
      ['netlab apply --set hosts=100', 'override the value of a variable'],
      ['netlab apply --revert-after 60s', 'undo in 60 s unless you run netlab confirm'],
      ['netlab apply lab.plan', 'apply a plan saved by netlab plan --out'],
    ],
    exitCodes: [
      ['0', 'done and verified, or nothing to do'],
      ['1', 'failed and rolled back, or the answer was no'],
      ['130', 'interrupted and rolled back'],
    ],
  },
  destroy: {
    examples: [
      ['netlab destroy lab.yaml', 'show what will be removed, ask, then remove it'],
      ['netlab destroy lab -y', 'by name, without asking'],
      ['netlab destroy lab --force', 'also end processes that the lab did not start'],
    ],
    exitCodes: [
      ['0', 'done, or there was nothing to remove'],
      ['1', 'failed, or the answer was no'],
      ['130', 'interrupted'],
    ],
  },
  confirm: {
    examples: [['netlab confirm lab', 'keep the change of netlab apply --revert-after']],
    exitCodes: [done, ['1', 'no change is waiting for confirmation']],
  },
  show: {
    examples: [
      ['netlab show lab', 'the whole lab'],
      ['netlab show ns0', 'one namespace'],
      ['netlab show ns0 --rules', 'its firewall rules, with counters'],
      ['netlab show lab.yaml --desired', 'the lab file with every short form expanded'],
    ],
    exitCodes: [done, ['1', 'failed, or the lab is not live']],
  },
  graph: {
    examples: [
      ['netlab graph lab.yaml > lab.svg', 'what the file asks for'],
      ['netlab graph lab.yaml --format html', 'a page to search and arrange'],
      ['netlab graph lab.yaml --live', 'what is down, missing or changed'],
      ['netlab graph lab.yaml --plan', 'what apply would change'],
      ['netlab graph lab.yaml --trace a b:80 --tcp', 'the way of a packet'],
      ['netlab graph lab.yaml --format mermaid', 'for Markdown; dot is for Graphviz'],
      ['netlab graph lab.yaml --pin', 'fix the positions'],
    ],
    exitCodes: usual,
  },
  ps: {
    examples: [
      ['netlab ps', 'list all; in netlab shell NS those of NS'],
      ['netlab ps r1 r2', 'those of two namespaces'],
    ],
    exitCodes: usual,
  },
  list: {
    examples: [
      ['netlab list', 'every live lab and its namespaces'],
      ['netlab list --json', 'the same as JSON'],
    ],
    exitCodes: usual,
  },
  exec: {
    examples: [
      ['netlab exec ns0 -- ip route', 'the routes of ns0'],
      ['netlab exec ns0 -- ping -c1 ns1', 'ping another namespace by name'],
    ],
    exitCodes: [
      ['0-255', 'the exit code of the command; 128 + N if signal N ended it'],
      ['1', 'also if the namespace or the command does not exist'],
    ],
  },
  shell: {
    examples: [
      ['netlab shell ns0', 'a shell in ns0; leave with exit'],
      ['netlab shell', 'without root: a shell in the sandbox of your labs'],
    ],
    exitCodes: [
      ['0-255', 'the exit code of the shell'],
      ['1', 'also if the namespace does not exist'],
    ],
  },
  logs: {
    examples: [
      ['netlab logs web/nginx', 'the output of nginx in web so far'],
      ['netlab logs web/nginx -f', 'and its further output'],
      ['netlab logs lab.yaml', 'the output of all processes of the lab'],
    ],
    exitCodes: usual,
  },
  test: {
    examples: [
      ['netlab test lab.yaml', 'run the checks of a live lab'],
      ['netlab test --junit results.xml', 'also write a report for CI'],
      ["netlab test --only 'web tcp'", 'run the checks with this in their names'],
      ['netlab test --watch', 'run the checks whenever the file changes'],
      ['netlab test --fresh lab.yaml', 'run them in a throw-away copy'],
      ['netlab test --fresh main:lab.yaml', 'the same for a revision in git'],
    ],
    exitCodes: [
      ['0', 'every check passed'],
      ['1', 'a check failed, the lab is not live, or the copy cannot be built'],
      ['3', 'a check could not be run, and none failed'],
      ['130', 'with --watch: Ctrl-C'],
    ],
  },
  ...faultHelp,
  ...packetHelp,
  watch: {
    examples: [
      ['netlab watch lab.yaml', 'every drift, as soon as it happens'],
      ['netlab watch lab.yaml --repair', 'and repair it'],
      ['netlab watch --json | jq .kind', 'one JSON document a line'],
    ],
    exitCodes: [
      ['0', 'ended by SIGTERM, as a service is'],
      ['1', 'failed: the lab file has errors, for example'],
      ['130', 'Ctrl-C'],
    ],
  },
  capture: {
    examples: [
      ['netlab capture web db -w a.pcapng', 'all interfaces of both'],
      ['netlab capture web:eth0 tcp port 80 -w -', 'to a pipe'],
      ["netlab capture r1 r2 'not arp' --for 30s -w a", 'for half a minute'],
    ],
    exitCodes: [
      ['0', 'done: after Ctrl-C too'],
      ['1', 'failed: no such interface, or it is down'],
      ['141', 'nobody reads the output any more'],
    ],
  },
  doctor: {
    examples: [
      ['netlab doctor', 'check everything that netlab can use'],
      ['netlab doctor lab.yaml', 'check only what this lab needs'],
    ],
    exitCodes: [
      ['0', 'nothing is missing'],
      ['1', 'something is missing; the output says how to install it'],
    ],
  },
  import: {
    examples: [
      ['netlab import > lab.yaml', 'all network namespaces'],
      ['netlab import r1 r2 > lab.yaml', 'these, and the cables between them'],
      ['netlab import --root > lab.yaml', 'the machine itself as well'],
      ['netlab import --container web', 'the namespace of a container'],
      ['netlab import docker-compose.yml', 'the networks of Docker Compose'],
      ['netlab import x.clab.yml', 'the topology of containerlab'],
    ],
    exitCodes: [['0', 'done, perhaps with warnings'], failed],
  },
  fmt: {
    examples: [
      ['netlab fmt', 'format the lab file of this directory'],
      ['netlab fmt labs', 'format every lab file in labs'],
      ['netlab fmt --check labs', 'for CI: list the files that are not formatted'],
      ['netlab fmt - < lab.yaml', 'for editors: format standard input'],
    ],
    exitCodes: [
      ['0', 'done; with --check: all files are formatted'],
      ['1', 'failed; with --check: a file is not formatted'],
    ],
  },
  init: {
    examples: [
      ['netlab init', 'list the templates'],
      ['netlab init nat', 'write nat.yaml'],
      ['netlab init nat -o mine.yaml', 'write mine.yaml'],
      ['netlab init nat -o - | less', 'print it without writing a file'],
    ],
    exitCodes: [done, ['1', 'failed: no such template, or the file exists']],
  },
  completion: {
    examples: [
      ['netlab completion bash', 'for bash; the first lines say where to install it'],
      ['netlab completion zsh', 'for zsh'],
      ['netlab completion fish', 'for fish'],
    ],
    exitCodes: usual,
  },
  schema: {
    examples: [['netlab schema > lab.schema.json', 'for an editor or a validator in CI']],
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
