/**
 * A qdisc, a class or a filter in tc's own words. One of the lab has the words that make it; `text` is what tc prints of it, by
 * which it is compared.
 */
export interface TcSpec {
  readonly object: 'qdisc' | 'class' | 'filter'
  readonly dev: string
  /** What it hangs on: `root`, `ingress`, `egress`, a qdisc (`1:`) or a class (`1:10`). */
  readonly parent: string
  /** The parent of the qdisc that a class or a filter belongs to, or that a qdisc is below; absent at the top. */
  readonly above?: string
  /** `htb`, `fq_codel`, `u32` … */
  readonly kind: string
  /** The handle of a qdisc (absent: the kernel chooses one), the id of a class, the handle of a filter. */
  readonly handle?: string
  /** What a filter looks at, as tc prints it: `ip`, `all`. */
  readonly protocol?: string
  /** Its preference: the kernel tries lower numbers first. */
  readonly pref?: number
  /** Its chain; absent: 0. */
  readonly chain?: number
  /** The class that a filter sends to. */
  readonly flowid?: string
  /** What follows the kind, as tc takes it. */
  readonly words: readonly string[]
  /** What tc prints of it after that, without what the kernel counts or numbers by itself; absent: not asked yet. */
  readonly text?: string
  /** Live only: the handle of a filter as the kernel has it. */
  readonly fh?: string
}
