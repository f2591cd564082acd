import { UserError } from '../model/diagnostic.ts'
import { isFields, type Fields } from '../model/fields.ts'
import type { Plan } from '../model/change.ts'
import type { Resource } from '../model/resource.ts'
import { writeFile } from './own-files.ts'
import type { PlanOptions, Prepared } from './prepare.ts'

/** The version of plan files; others are refused. */
const FORMAT = 2

/**
 * A plan as `plan --out` writes it: the steps that were shown, the lab file, and the live state that it was made from. Its
 * steps are never carried out: they are planned again from the lab file, and must be the same.
 */
export interface SavedPlan {
  readonly netlab_plan: typeof FORMAT
  readonly wishes: Wishes
  readonly file: string
  readonly text: string
  /** The texts of the files that the lab file names, by their names there. */
  readonly beside: Readonly<Record<string, string>>
  /** The values of vars that the command line gave. */
  readonly set?: readonly (readonly [name: string, value: string])[]
  /** By machine, its part; of a lab on one machine, that of `NEAR`. */
  readonly parts: Readonly<Record<string, SavedPart>>
}

/** The options that a plan was made with. */
interface Wishes extends PlanOptions {
  readonly skipMachine?: readonly string[]
}

/** What was planned on one machine. */
export interface SavedPart {
  readonly live: readonly Resource[]
  readonly plan: Pick<Plan, 'lab' | 'steps'>
}

/** Writes a plan, readable by its owner only. Throws a UserError when the file cannot be written. */
export function savePlan(path: string, saved: Omit<SavedPlan, 'netlab_plan'>): void {
  writeFile(path, JSON.stringify({ netlab_plan: FORMAT, ...saved }), 0o600)
}

/** What to do about a file that is no plan to carry out. */
export const AGAIN = 'Make it again: netlab plan LAB --out FILE'
const damaged = (path: string): UserError =>
  UserError.of('bad-plan-file', `${path} is a plan that was damaged or changed`, AGAIN)

/** The plan in a file; undefined when the file contains something else. Throws a UserError when the plan is damaged. */
export function openPlan(path: string, text: string): SavedPlan | undefined {
  if (path === '-' || !/^\{"(netlab_plan|format_version)"/.test(text)) return undefined
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw damaged(path)
  }
  if (!isFields(value) || value['netlab_plan'] !== FORMAT)
    throw UserError.of('bad-plan-file', `${path} is not a plan of this version of netlab`, AGAIN)
  if (!isWhole(value)) throw damaged(path)
  const { destroy, adopt, target, replace, skipMachine } = value.wishes
  return {
    ...value,
    wishes: {
      ...(destroy !== undefined && { destroy }),
      ...(adopt !== undefined && { adopt }),
      ...(target && { target }),
      ...(replace && { replace }),
      ...(skipMachine && { skipMachine }),
    },
  }
}

const isText = (value: unknown): value is string => typeof value === 'string'
const isTexts = (value: unknown): boolean => value === undefined || (Array.isArray(value) && value.every(isText))
const isFlag = (value: unknown): boolean => value === undefined || typeof value === 'boolean'
const isResource = (value: unknown): boolean =>
  isFields(value) && [value['id'], value['kind'], value['namespace']].every(isText) && isFields(value['spec'])

function isWhole(value: Fields): value is Fields & SavedPlan {
  const { wishes, file, text, beside, set, parts } = value
  return (
    isFields(wishes) &&
    isFlag(wishes['destroy']) &&
    isFlag(wishes['adopt']) &&
    isTexts(wishes['target']) &&
    isTexts(wishes['replace']) &&
    isTexts(wishes['skipMachine']) &&
    isText(file) &&
    isText(text) &&
    isFields(beside) &&
    Object.values(beside).every(isText) &&
    (set === undefined || (Array.isArray(set) && set.every((pair: unknown) => isTexts(pair)))) &&
    isFields(parts) &&
    Object.values(parts).every(isPart)
  )
}

function isPart(value: unknown): boolean {
  if (!isFields(value)) return false
  const { live, plan } = value
  return (
    Array.isArray(live) &&
    live.every(isResource) &&
    isFields(plan) &&
    isText(plan['lab']) &&
    Array.isArray(plan['steps'])
  )
}

/** What is saved of a plan. */
export const savedPart = ({ live, plan: { lab, steps } }: Prepared): SavedPart => ({
  live: [...live.resources.values()],
  plan: { lab, steps },
})

/** The part of a machine. Throws a UserError when the plan has none. */
export function partIn({ parts }: SavedPlan, machine: string): SavedPart {
  const part = parts[machine]
  if (part) return part
  throw UserError.of('bad-plan-file', `the plan has no part for ${machine}: it was changed`, AGAIN)
}

/** Throws a UserError when the steps that are planned now are not those of the file: no others are carried out. */
export function mustBeSame(saved: SavedPart, { lab, steps }: Plan): void {
  if (lab === saved.plan.lab && JSON.stringify(steps) === JSON.stringify(saved.plan.steps)) return
  throw UserError.of(
    'bad-plan-file',
    'the plan is not what its lab file asks for: it was changed, or comes from another netlab',
    AGAIN,
  )
}
