import { createRequire } from 'node:module'
import { choose } from './exec/sandbox/choose.ts'
import { enter } from './exec/sandbox/enter.ts'

/**
 * What src/launch.sh runs for an ordinary user who has no sandbox yet: only what makes one and enters it, so that the rest of
 * the program is read once, inside. For everything else, and to tell what went wrong, there is the whole program.
 */
async function main(): Promise<void> {
  process.title = 'netlab'
  const { sandbox, args } = choose(process.argv.slice(2), process.env, process.geteuid?.() === 0)
  const code = sandbox === undefined ? undefined : await enter(sandbox, args).catch(() => undefined)
  if (code === undefined) createRequire('/')(process.argv[1] ?? '')
  else process.exitCode = code
}

void main()
