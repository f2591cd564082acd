import { choose } from './host/sandbox/choose.ts'
import { warmUp } from './backend/netlink/channel.ts'
import { scale } from './run/schedule.ts'
import { takeOverSandbox } from './host/sandbox/entered.ts'

/** Commands that always read the live state. */
const KERNEL = new Set(['plan', 'apply', 'destroy', 'show', 'list', 'test'])

/** Runs the command here, or in the user's sandbox; then only the modules that enter the sandbox are loaded here. */
async function main(): Promise<void> {
  const settled = takeOverSandbox()
  const { sandbox, args } = choose(process.argv.slice(2), process.env, settled || process.geteuid?.() === 0)
  process.argv.splice(2, process.argv.length, ...args)
  if (sandbox === undefined) {
    if (KERNEL.has(args[0] ?? '') && !process.env['NETLAB_RUNNER']) warmUp(scale.descriptors)
    return void (await import('./cli.ts'))
  }
  const { enterSandbox: enter } = await import('./host/sandbox/enter.ts')
  process.exitCode = await enter(sandbox, args)
}

main().catch(async (error: unknown) => {
  const { reportError } = await import('./commands/errors.ts')
  process.exitCode = reportError(error, { color: !process.argv.includes('--no-color') })
})
