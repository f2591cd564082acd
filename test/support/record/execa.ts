// Replaces the package execa in the driver: runs programs with it, and records their calls and outputs.
import { execa as real, type Options } from '../../../node_modules/execa/index.js'
import { programCall, callsIn, type Played } from './tape.ts'

export const played: Played[] = []

export async function execa(program: string, args: readonly string[], options: Options): Promise<unknown> {
  const result = await real(program, args, options)
  const [argv, stdout, code] = [[program, ...args], String(result.stdout), result.exitCode ?? 1]
  const several = callsIn(argv)
  const texts = stdout.split('--netlab--\n')
  for (const [i, call] of (several ?? [programCall(argv, String(options.input ?? ''))]).entries())
    played.push({ ...call, code, stdout: several ? (texts[i] ?? '') : stdout })
  return result
}
