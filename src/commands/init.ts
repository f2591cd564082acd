import { UserError } from '../model/diagnostic.ts'
import type { Host } from '../model/host.ts'
import { nearest } from './nearest.ts'
import { packageFile, writeFile } from './own-files.ts'
import { note, out } from './terminal.ts'

/** The templates, each a file in the folder templates, from the simplest on. */
export const TEMPLATES: readonly string[] = [
  ...['router', 'docker0', 'nat', 'published-port', 'isolation', 'spine-leaf', 'pod', 'services', 'frr', 'two-sites'],
  'test-bench',
]

interface Options {
  /** A path; `-` for standard output. Default: the name of the template with `.yaml`. */
  readonly output?: string
  /** Whether a file that exists is replaced. */
  readonly force?: boolean
}

/** `netlab init`: writes a lab file made from a template and says what to do next; without a template lists them. */
export function init(host: Host, template: string | undefined, { output, force }: Options): number {
  if (template === undefined) return listTemplates()
  const text = textOf(template)
  const file = output ?? `${template}.yaml`
  if (file === '-') {
    out(text)
    return 0
  }
  if (!force && host.exists(file))
    throw UserError.of(
      'cannot-write',
      `${file} exists already`,
      'Name another file with -o FILE, or replace it with --force.',
    )
  writeFile(file, text)
  note(`Wrote ${file}: ${descriptionOf(template)}. What to do next:\n\n`)
  const next = [
    ['validate', 'check the file after you have changed it'],
    ['plan', 'show what apply would create'],
    ['apply', 'create the lab'],
    ['test', 'run the checks of the lab'],
    ['destroy', 'remove the lab'],
  ] as const
  note(
    next.map(([command, meaning]) => `  netlab ${`${command} ${file}`.padEnd(file.length + 11)}${meaning}\n`).join(''),
  )
  return 0
}

function listTemplates(): number {
  const width = Math.max(...TEMPLATES.map((name) => name.length))
  out(TEMPLATES.map((name) => `${name.padEnd(width)}  ${descriptionOf(name)}\n`).join(''))
  note(`\nnetlab init ${TEMPLATES[0]} writes the file ${TEMPLATES[0]}.yaml.\n`)
  return 0
}

/** The text of a template. Throws a UserError when there is none of this name. */
function textOf(template: string): string {
  if (TEMPLATES.includes(template)) return packageFile(`templates/${template}.yaml`)
  throw UserError.of(
    'unknown-template',
    `there is no template ${template}`,
    `Did you mean ${nearest(template, TEMPLATES)}? There are: ${TEMPLATES.join(' ')}`,
  )
}

/** What a template shows: the description in its first line. Throws a UserError when there is none of this name. */
export const descriptionOf = (template: string): string => /^description: (.*)/.exec(textOf(template))?.[1] ?? ''
