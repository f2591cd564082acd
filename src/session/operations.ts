import { checkName, type Result } from '../checks/engine.ts'
import { survey } from '../checks/survey.ts'
import { withLenders } from '../commands/borrow.ts'
import { carryOut } from '../commands/carry.ts'
import { checksNamed, mustBeLive, testLive } from '../commands/live-checks.ts'
import { reachLive } from '../commands/live-reach.ts'
import { spreadOf } from '../commands/lab-runner.ts'
import { openSource, renamed, renamedError } from '../commands/lab-source.ts'
import { prepare, readRequestOf } from '../commands/prepare.ts'
import { openLab, type OpenLab } from '../language/load-lab.ts'
import { UserError } from '../model/diagnostic.ts'
import type { Host } from '../model/host.ts'
import { read } from '../observe/read.ts'
import { startRunner } from '../run/choose-runner.ts'
import { checkJson, checksJson } from '../views/check-results.ts'
import { openCopied } from './copied.ts'
import { fitted } from './fit.ts'
import { startInside, type Built } from './inside.ts'
import type { Doing } from './conversation.ts'
import type { Operations } from './protocol.ts'

/** The operations on the lab of a session, on this host: the one that it builds, or one that is live. */
export function startOperations(host: Host): Doing<Operations> {
  let built: Built | undefined
  const the = (): Built => {
    if (!built) throw new Error('nothing is built yet')
    return built
  }
  return {
    ...startInside(the),
    async apply(input, emit) {
      const { source, live } = input
      const file = source && openSource(source)
      const runner = startRunner(host, source?.text.length ?? 0)
      try {
        const opened = openCopied(input, file?.located, host)
        const { lab, leftOut } = fitted(opened.lab(), input.processes)
        const own: OpenLab = { ...opened, namespaces: lab.namespaces, lab: () => lab }
        const located = file?.located ?? { name: live?.lab ?? '' }
        const prepared = await prepare(located, own, runner, {}, { forApply: true })
        const done = await carryOut(prepared, runner, THROWN_AWAY, new AbortController().signal)
        if (done.code !== 0) throw new UserError(done.diagnostics)
        built = { lab, opened: own, located, runner }
        return { name: lab.name, leftOut, warnings: prepared.warnings.map(renamed(file?.shown ?? String)) }
      } catch (error) {
        throw file ? renamedError(file.shown, error) : error
      } finally {
        emit({ files: [...(file?.named ?? [])] })
      }
    },
    async attach({ source }) {
      const file = openSource(source)
      const { located } = file
      try {
        const spread = await spreadOf(host, located)
        const runner = spread?.runner ?? startRunner(host, source.text.length)
        const opened = spread?.opened ?? openLab({ ...located, readBeside: located.beside, confines: host.confines() })
        const lab = spread?.lab ?? (await withLenders(opened, host)).opened.lab()
        mustBeLive(lab, survey(lab, await read(readRequestOf(lab.name, lab), runner)), host)
        built = { lab, opened, located, runner, ...(spread && { spread }) }
        return { name: lab.name, leftOut: [], warnings: lab.warnings.map(renamed(file.shown)) }
      } catch (error) {
        throw renamedError(file.shown, error)
      }
    },
    async test({ only, failFast, seed }, emit) {
      const { lab, runner, spread } = the()
      const checks = only === undefined ? lab.checks : checksNamed(lab.checks, only)
      emit({ names: checks.map(checkName) })
      if (checks.length === 0) return { json: checksJson(lab.name, []), remarks: [] }
      const each = (result: Result): void => emit({ check: checkJson(result) })
      const { results, remarks } = await testLive(lab, checks, runner, { each, failFast, seed, spread })
      return { json: checksJson(lab.name, results), remarks: await remarks() }
    },
    async reach() {
      const { lab, runner } = the()
      const live = await read(readRequestOf(lab.name, lab), runner)
      const every = (names: readonly string[]) => ({ from: new Set(names), to: new Set(names) })
      const { pairs } = await reachLive(lab, live, async () => live.dumps, runner, every)
      return { pairs }
    },
  }
}

/** What fails in a copy needs no rollback: it is thrown away. */
const THROWN_AWAY = { color: false, rollback: false, lockTimeout: '0' }
