import { basename } from 'node:path'
import { parseYaml } from '../language/yaml/source.ts'
import { UserError, type Diagnostic } from '../model/diagnostic.ts'
import type { Host } from '../model/host.ts'
import type { Way } from '../model/packet-way.ts'
import type { Action } from '../model/change.ts'
import { drillIn } from '../model/drill.ts'
import type { Resources } from '../model/resource.ts'
import { topologyOf } from '../model/topology.ts'
import { processStates } from '../observe/process-states.ts'
import type { ProcessState } from '../model/process-state.ts'
import { graphOf, type State } from '../views/graph/graph-of.ts'
import type { Pins } from '../views/graph/core.ts'
import { layout, type Picture } from '../views/graph/layout.ts'
import { pageOf } from '../views/graph/page.ts'
import { withWay } from '../views/graph/way-drawn.ts'
import { layoutText } from '../views/graph/layout-file.ts'
import { svgOf } from '../views/graph/svg.ts'
import { dotOf, graphJson, mermaidOf } from '../views/graph/text-forms.ts'
import { showJson } from '../views/json.ts'
import { locate, type Located, type LocateOptions } from './locate.ts'
import { writeFile } from './own-files.ts'
import { startRunner } from '../run/choose-runner.ts'
import { spreadOf } from './lab-runner.ts'
import { openLocated } from './open-located.ts'
import { prepare } from './prepare.ts'
import { filtered } from './show.ts'
import { note, outJson, outText, report, type Global } from './terminal.ts'

const FORMATS = ['svg', 'html', 'mermaid', 'dot', 'json']

/** The options of `netlab graph`. */
export interface GraphOptions extends LocateOptions {
  /** One of `FORMATS`. */
  readonly format: string
  /** Draws what is live. */
  readonly live?: boolean
  /** Draws what a plan would change. */
  readonly plan?: boolean
  /** FROM and TO of a packet, which is sent in the live lab. */
  readonly trace?: readonly string[]
  readonly tcp?: boolean
  readonly udp?: boolean
  /** Writes where everything stands instead of the picture. */
  readonly pin?: boolean
  /** The same as the format `json`. */
  readonly json?: boolean
}

type Options = Global & GraphOptions

/** `netlab graph`: the lab as a picture, for people or for other programs; with --pin only the file with its positions. */
export async function graph(host: Host, argument: string | undefined, options: Options): Promise<number> {
  if (!FORMATS.includes(options.format))
    throw UserError.of(
      'bad-option',
      `--format ${options.format} is not a format`,
      `The formats are ${FORMATS.join(', ')}.`,
    )
  if (options.live && options.plan) throw UserError.of('bad-option', '--live and --plan are two different pictures')
  const located = locate(argument, options)
  const { name, resources, marks, states } = await seen(located, host, options)
  const way = options.trace && (await tracedOn(host, options.trace, argument, options))
  const show = showJson(name, resources, states)
  const net = topologyOf(new Map(show.resources.map((r) => [r.id, r])))
  const plain = graphOf(name, net, marks)
  const drawn = way ? withWay(plain, way) : plain
  const pinFile = 'file' in located && located.file !== '-' ? located.file.replace(/\.ya?ml$/, '') : undefined
  const pins = pinFile === undefined ? undefined : readPins(`${pinFile}.layout.yaml`, located, drawn.nodes, options)
  const picture = layout(drawn, pins)
  if (options.pin) {
    if (pinFile === undefined) throw UserError.of('bad-option', '--pin needs a lab file, beside which it writes')
    writeFile(`${pinFile}.layout.yaml`, layoutText(picture))
    note(`Wrote ${pinFile}.layout.yaml: the positions of ${drawn.nodes.length} nodes.\n`)
  } else if (options.format === 'html') outText(pageOf(picture, net, `${basename(pinFile ?? name)}.layout.yaml`))
  else print(picture, options)
  return 0
}

function print(picture: Picture, { format, json }: Options): void {
  if (json || format === 'json') outJson(graphJson(picture))
  else if (format === 'mermaid') outText(mermaidOf(picture.graph))
  else if (format === 'dot') outText(dotOf(picture.graph))
  else outText(svgOf(picture))
}

/** The way of a packet in the live lab. */
async function tracedOn(
  host: Host,
  [from, to, ...more]: readonly string[],
  lab: string | undefined,
  options: Options,
): Promise<Way> {
  if (from === undefined || to === undefined || more.length)
    throw UserError.of(
      'bad-option',
      '--trace takes FROM and TO',
      'As in: netlab graph lab.yaml --trace client web:80 --tcp. The lab comes before it.',
    )
  const { traceNow } = await import('./trace.ts')
  return traceNow(host, from, to, { ...options, ...(lab !== undefined && { lab }) })
}

interface Seen {
  readonly name: string
  readonly resources: Resources
  readonly marks?: ReadonlyMap<string, State>
  /** What processes do, where they are live and the picture tells it. */
  readonly states?: ReadonlyMap<string, ProcessState>
}

const ofPlan: Readonly<Record<Action, State>> = {
  ...{ create: 'added', update: 'changed', replace: 'changed', delete: 'removed' },
}
const ofLive: Readonly<Record<Action, State>> = {
  ...{ create: 'missing', update: 'drift', replace: 'drift', delete: 'drift' },
}

/** What is to be drawn: what the file asks for; with --live and --plan also what is live, and how the two differ. */
async function seen(located: Located, host: Host, options: Options): Promise<Seen> {
  const opened = openLocated(located, host)
  if (!opened && 'name' in located && !options.live)
    throw UserError.of(
      'no-lab-file',
      `there is no lab file ${located.name}`,
      options.plan ? 'A plan needs one.' : `If a lab of that name is live: netlab graph ${located.name} --live`,
    )
  if (opened && !options.live && !options.plan) {
    const { name, resources } = opened.lab()
    return { name, resources }
  }
  const spread = await spreadOf(host, located)
  const runner = spread?.runner ?? startRunner(host, 'text' in located ? located.text.length : 0)
  const { name, wanted, live, plan, warnings } = await prepare(located, spread?.opened ?? opened, runner)
  report(warnings, options)
  const there = filtered(new Map([...live.resources, ...live.others]))
  const doing = options.live && options.format === 'html' ? await processStates(name, host) : []
  const states = new Map(doing.map(({ resource, state }) => [resource.id, state]))
  if (!opened) return { name, resources: there, states }
  if (drillIn(live.resources)) {
    note('A drill is under way (netlab break): what differs from the file is not marked. netlab hint helps.\n')
    return { name, resources: options.plan ? wanted : there, states }
  }
  const names = options.plan ? ofPlan : ofLive
  const marks = new Map(plan.changes.map(({ id, action }) => [id, names[action]]))
  // Where both sides have it: what a plan leads to, or what is there now.
  const resources = options.plan ? new Map([...there, ...wanted]) : new Map([...wanted, ...there])
  return { name, resources, marks, states }
}

/** The positions in the file beside the lab file, where there is one. Throws a UserError when it is not what --pin writes. */
function readPins(
  file: string,
  located: Located,
  nodes: readonly { readonly id: string }[],
  options: Options,
): Pins | undefined {
  const text = 'beside' in located ? textBeside(located, file) : undefined
  if (text === undefined) return undefined
  const source = parseYaml(file, text)
  const wrong = (path: string[], summary: string, detail?: string): Diagnostic => {
    const position = source.position(path)
    const snippet = source.snippet(position)
    return { code: 'bad-value', severity: 'error', summary, position, snippet, ...(detail !== undefined && { detail }) }
  }
  if (source.errors.length) throw new UserError(source.errors)
  const value = source.value ?? {}
  if (typeof value !== 'object' || Array.isArray(value))
    throw new UserError([wrong([], 'positions are a map of nodes', 'Write them as ns0: [120, 80]')])
  const pairs = Object.entries(value as Readonly<Record<string, unknown>>)
  const isPosition = (at: unknown): at is [number, number] =>
    Array.isArray(at) && at.length === 2 && at.every((n) => Number.isFinite(n) && Math.abs(n as number) < 1e6)
  const errors = pairs.flatMap(([id, at]) =>
    isPosition(at) ? [] : [wrong([id], `${id} has no position here`, 'Write it as [120, 80]: two numbers of pixels.')],
  )
  if (errors.length) throw new UserError(errors)
  const known = new Set(nodes.map(({ id }) => id))
  const gone = pairs.flatMap(([id]) => (known.has(id) ? [] : [wrong([id], `there is no node ${id} any more`)]))
  report(
    gone.map((one) => ({ ...one, severity: 'warning' })),
    options,
  )
  return new Map(pairs.map(([id, at]) => [id, { x: (at as number[])[0]!, y: (at as number[])[1]! }]))
}

function textBeside({ beside, file }: Extract<Located, { beside: unknown }>, path: string): string | undefined {
  try {
    return beside(path.slice(file.lastIndexOf('/') + 1))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw UserError.of('unreadable-file', `cannot read ${path}`, (error as Error).message)
  }
}
