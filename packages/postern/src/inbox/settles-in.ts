import type { Lease } from './store.ts'

/**
 * A side port that a store may lack: it ends a lease as succeeded inside a transaction that its user has opened in the
 * same database, so that the delivery is settled by the commit of the user's own writes, or not at all.
 */
export interface SettlesIn<Tx> {
  /**
   * `lost` where the lease was no longer this one's: nothing changed, and the transaction can only be rolled back. Rejects
   * where `tx` is no open transaction, or its connection fails; nothing is settled then either.
   */
  settleIn(tx: Tx, lease: Lease, durationMs: number): Promise<'settled' | 'lost'>
  /**
   * Which of these leases ended with success, as `settleIn` ends them, and were committed. Answers in the order given; `false`
   * for one whose transaction is still open.
   */
  haveSucceeded(leases: readonly Lease[]): Promise<readonly boolean[]>
}
