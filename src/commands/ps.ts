import { stage } from '../host/status-line.ts'
import { UserError } from '../model/diagnostic.ts'
import type { Host } from '../model/host.ts'
import { visible } from '../model/text.ts'
import { FORMAT } from '../views/json.ts'
import { runnerHere } from './lab-runner.ts'
import { out, outJson, type Global } from './terminal.ts'

interface Options extends Global {
  readonly json?: boolean
}

/**
 * `netlab ps [NS…]`: the processes in named namespaces, each with the process of a lab to which it belongs. Without arguments in
 * a shell or a process of a namespace: those of that namespace; elsewhere: of all.
 */
export async function ps(host: Host, namespaces: readonly string[], options: Options): Promise<number> {
  stage('Reading the processes …')
  const runner = await runnerHere(host, {})
  const known = (await runner.list()).flatMap(({ name, stale }) => (stale ? [] : [name]))
  const unknown = namespaces.find((name) => !known.includes(name))
  if (unknown !== undefined) throw UserError.of('unknown-namespace', `there is no namespace ${unknown}`)
  const own = known.filter((name) => name === host.env['NETLAB_NAMESPACE'])
  const asked = namespaces.length ? namespaces : own.length ? own : known
  const processes = (await runner.host.residents(asked))
    .map(({ namespace, pid, of, command }) => ({ namespace, pid, ...of, command }))
    .sort((a, b) => asked.indexOf(a.namespace) - asked.indexOf(b.namespace) || a.pid - b.pid)
  if (options.json) outJson({ format_version: FORMAT, processes })
  else if (processes.length === 0) out('No process runs there.\n')
  else {
    const rows = [
      ['NAMESPACE', 'PID', 'PROCESS', 'COMMAND'],
      ...processes.map((one) => [
        one.namespace,
        String(one.pid),
        one.process ?? '-',
        visible(one.command.replaceAll(/\s+/g, ' ')),
      ]),
    ]
    const widths = [0, 1, 2].map((i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)))
    out(rows.map((row) => `${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')}\n`).join(''))
  }
  return 0
}
