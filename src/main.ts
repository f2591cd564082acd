import { choose } from './host/sandbox/choose.ts'
import { startingHost } from './host/sandbox/entered.ts'

/** Runs the command here, or in the user's sandbox; then only the modules that enter the sandbox are loaded here. */
async function main(): Promise<void> {
  const host = startingHost()
  const { sandbox, args } = choose(process.argv.slice(2), process.env, host.isRoot)
  process.argv.splice(2, process.argv.length, ...args)
  if (sandbox === undefined) {
    const { NETLAB_CA_CERTS: certificates } = process.env
    if (certificates !== undefined) {
      process.env['NODE_EXTRA_CA_CERTS'] = certificates
      Reflect.deleteProperty(process.env, 'NETLAB_CA_CERTS')
    }
    // Netlab starts itself on other machines; without the other commands, that takes it less time.
    if (args[0] === 'machine' || args[0] === 'enter')
      return (await import('./machines/serve.ts')).serveNetlab(host, args)
    return (await import('./cli.ts')).runCommand(host)
  }
  const { enterSandbox: enter } = await import('./host/sandbox/enter.ts')
  process.exitCode = await enter(sandbox, args)
}

main().catch(async (error: unknown) => {
  const { reportError } = await import('./commands/errors.ts')
  process.exitCode = reportError(error, { color: !process.argv.includes('--no-color') })
})
