import { parse } from 'yaml'

interface Step {
  readonly uses?: string
  readonly run?: string
}

/** What the steps of a job run, in a workflow of GitHub Actions. What `uses:` an action is left out. */
export function stepsOf(workflow: string, job: string): string[] {
  const { jobs } = parse(workflow) as { jobs: Record<string, { steps: readonly Step[] }> }
  return (jobs[job]?.steps ?? []).flatMap(({ run }) => (run === undefined ? [] : [run]))
}
