/**
 * A delivery's states and every legal step between them, once, as data.
 *
 * ```
 *            claim                    settle: succeeded
 *  pending ─────────► leased ─────────────────────────────► succeeded
 *   │  ▲  ▲             │ ▲
 *   │  │  │ settle:     │ │ claim, after the lease ended
 *   │  │  │ retry or    │ └───┐
 *   │  │  │ released    │     │
 *   │  │  └─────────────┼─────┘
 *   │  │                │ settle: dead
 *   │  │   redrive      ▼
 *   │  └───────────── dead
 *   │ cancel            │ discard
 *   └──────► cancelled ◄┘
 * ```
 *
 * Beside these, a put that leases at once takes what is pending, dead, or no longer leased (`ack: "handled"`).
 *
 * @module
 */

/** The states of a delivery. */
export type DeliveryState = 'pending' | 'leased' | 'succeeded' | 'dead' | 'cancelled'

/** Every state once, for whoever checks a state that came as a text. */
export const DELIVERY_STATES: readonly DeliveryState[] = [
  'pending',
  'leased',
  'succeeded',
  'dead',
  'cancelled',
]

/** What moves a delivery: a claim, a put that leases at once, the four outcomes of a settle, the three moves of an operator. */
export type Transition =
  | 'claim'
  | 'take'
  | 'succeeded'
  | 'retry'
  | 'released'
  | 'dead'
  | 'redrive'
  | 'cancel'
  | 'discard'

export interface Step {
  readonly from: readonly DeliveryState[]
  readonly to: DeliveryState
}

/** Between which states each transition leads. */
export const TRANSITIONS: Readonly<Record<Transition, Step>> = {
  claim: { from: ['pending', 'leased'], to: 'leased' },
  take: { from: ['pending', 'leased', 'dead'], to: 'leased' },
  succeeded: { from: ['leased'], to: 'succeeded' },
  retry: { from: ['leased'], to: 'pending' },
  released: { from: ['leased'], to: 'pending' },
  dead: { from: ['leased'], to: 'dead' },
  redrive: { from: ['dead'], to: 'pending' },
  cancel: { from: ['pending'], to: 'cancelled' },
  discard: { from: ['dead'], to: 'cancelled' },
}

/** Whether a step may be taken from a state. A lease that has not ended forbids `claim` as well; that is the store's to see. */
export function isLegal(transition: Transition, from: DeliveryState): boolean {
  return TRANSITIONS[transition].from.includes(from)
}
