/** The machines that carry out the other parts of a plan at the same time, as one of them sees them. */
export interface Others {
  /** Says that all that comes before programs is done here. */
  readonly reach: () => void
  /** Waits until that is so on all machines. */
  readonly meet: () => Promise<void>
  /** The programs elsewhere that are ended before one here is. */
  readonly followers: (id: string) => readonly string[]
  /** Waits until a program elsewhere is ready, or ended, or will not be; true for one that no machine starts or ends in this run. */
  readonly isReady: (id: string) => Promise<boolean>
  /** Says that a program here is ready, or ended, or will not be. */
  readonly tell: (id: string, isReady: boolean) => void
}
