/** What a process of a lab does at the moment. */
export interface ProcessState {
  /** `done`: it was to run once, and has ended with 0. `stray`: it runs without what supervises it, or elsewhere. */
  readonly state: 'running' | 'done' | 'ended' | 'stray'
  readonly pid?: number
  /** How long it has been running, in seconds. */
  readonly age?: number
  /** How often it was started again. */
  readonly restarts?: number
  /** The exit code of the last time that it ended; 128 + the number of a signal that ended it. */
  readonly exit_code?: number
}
