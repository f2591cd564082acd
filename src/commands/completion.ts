import { packageFile } from './own-files.ts'
import { outText } from './terminal.ts'

/** `netlab completion SHELL`: prints the script that lets the shell ask `netlab complete`. */
export function printCompletion(shell: string): number {
  outText(packageFile(`dist/completion/${shell}`))
  return 0
}
