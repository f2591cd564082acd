// Writes docs/pictures/terminal.svg: what a terminal shows of labs/router.yaml, from commands that really run, in a network of their own. As
// root, or where ordinary users can have user namespaces. With --check it says whether the picture is what the commands print today.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

process.chdir(resolve(dirname(fileURLToPath(import.meta.url)), '..'))
const FILE = 'docs/pictures/terminal.svg'
const COMMANDS = [
  'netlab validate labs/router.yaml',
  'netlab apply labs/router.yaml -y',
  'netlab test labs/router.yaml',
  'ip -n ns0 route del 192.168.1.0/24',
  'netlab plan labs/router.yaml',
]

/** What a terminal of 100 columns gets of each command. */
function recorded() {
  const state = mkdtempSync(join(tmpdir(), 'netlab-'))
  const world = 'mount -t tmpfs none /run && mkdir /run/netns && ip link set lo up && exec "$@"'
  const user = process.geteuid() === 0 ? [] : ['--map-root-user']
  const all = COMMANDS.map((command) => {
    const run = command.replace(/^netlab/, `'${process.execPath}' dist/netlab.cjs`)
    return `echo '@@'; script -qec "stty columns 100; ${run}" /dev/null </dev/null`
  })
  const { NO_COLOR: _, FORCE_COLOR: __, NETLAB_SANDBOX: ___, ...env } = process.env
  const { status, stdout, stderr } = spawnSync(
    'unshare',
    [...user, '--net', '--mount', '--propagation', 'private', 'sh', '-c', world, 'sh', 'sh', '-c', all.join('\n')],
    { encoding: 'utf8', env: { ...env, TERM: 'xterm', XDG_STATE_HOME: state } },
  )
  rmSync(state, { recursive: true })
  if (status !== 0 || !stdout.includes('@@')) throw new Error(`the commands could not run here: ${stderr}`)
  return stdout
    .split(/^@@\r?\n/m)
    .slice(1)
    .map((text, n) => ({ command: COMMANDS[n], lines: linesOf(text) }))
}

/** The lines as they are in the end, with times that are always the same, and checks that ran side by side in order. */
function linesOf(text) {
  const lines = text
    .trimEnd()
    .split(/\r*\n/)
    .map((line) => line.slice(line.lastIndexOf('\r') + 1))
    .map((line) => line.replace(/[\d.]+ ms/g, '0.05 ms').replace(/(took |\()[\d.]+ s/g, '$10.2 s'))
  const pings = lines.filter((line) => line.includes(' ping ')).sort()
  return lines.map((line) => (line.includes(' ping ') ? pings.shift() : line)).filter((line, i) => line !== '' || i)
}

const CLASSES = { 1: 'b', 2: 'd', 31: 'r', 32: 'g', 33: 'y', 35: 'm', 36: 'c' }
const ENDS = { 22: 'bd', 39: 'rgymc', 0: 'bdrgymc' }
const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

/** A line with the terminal's escape sequences as SVG's text. */
function spans(line) {
  const on = new Set()
  return line.split(/(\x1b\[[\d;]*m)/).reduce((svg, piece) => {
    const [, codes] = /^\x1b\[([\d;]*)m$/.exec(piece) ?? []
    if (codes === undefined) {
      const style = [...on].join(' ')
      return svg + (piece && style ? `<tspan class="${style}">${escaped(piece)}</tspan>` : escaped(piece))
    }
    for (const code of codes.split(';')) {
      if (CLASSES[code]) on.add(CLASSES[code])
      for (const end of ENDS[code || 0] ?? '') on.delete(end)
    }
    return svg
  }, '')
}

const [SIZE, LEADING, WIDTH, MARGIN] = [13, 18, 7.85, 20]
const columns = (line) => line.replace(/\x1b\[[\d;]*m/g, '').length

function svg(runs) {
  const lines = runs.flatMap(({ command, lines }, n) => [
    ...(n ? [''] : []),
    `\x1b[36m$\x1b[39m \x1b[1m${command}\x1b[22m`,
    ...lines,
  ])
  const width = Math.ceil(Math.max(...lines.map(columns)) * WIDTH) + 2 * MARGIN
  const height = lines.length * LEADING + 2 * MARGIN
  const texts = lines.flatMap((line, n) =>
    line ? [`<text x="${MARGIN}" y="${MARGIN + n * LEADING + SIZE}">${spans(line)}</text>`] : [],
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">
<title>netlab in a terminal: validate, apply, test, and a plan that shows what was changed by hand</title>
<style>
text { font: ${SIZE}px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; white-space: pre; fill: #1f2328 }
.b { font-weight: 600 } .d { fill: #59636e } .r { fill: #cf222e } .g { fill: #1a7f37 } .y { fill: #9a6700 } .m { fill: #8250df } .c { fill: #0969da }
rect { fill: #f6f8fa; stroke: #d1d9e0 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 }
.d { fill: #9198a1 } .r { fill: #ff7b72 } .g { fill: #3fb950 } .y { fill: #d29922 } .m { fill: #d2a8ff } .c { fill: #58a6ff }
rect { fill: #0d1117; stroke: #3d444d }
}
</style>
<rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8"/>
${texts.join('\n')}
</svg>
`
}

const picture = svg(recorded())
if (process.argv.includes('--check')) {
  if (!existsSync(FILE) || readFileSync(FILE, 'utf8') !== picture) {
    console.error(`${FILE} is not what the commands print: node scripts/terminal.mjs writes it`)
    process.exitCode = 1
  }
} else {
  mkdirSync(dirname(FILE), { recursive: true })
  writeFileSync(FILE, picture)
}
