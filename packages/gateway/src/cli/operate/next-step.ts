import * as v from 'valibot'
import type { DeliveryState } from 'postern'
import { RefusedError } from './admin-client.ts'

/** The steps of `postern redrive`, `cancel` and `discard`. */
export type Step = 'redrive' | 'cancel' | 'discard'

/** What stands in the way of a step: the state that the delivery is in, or what has run since. */
type Obstacle = DeliveryState | 'overtaken'

type Advice = (deliverySeq: string, eventSeq: string) => string

const wait: Advice = () => 'It is being run now: its outcome will tell'
const nothingLeft: Advice = () => 'There is nothing left to do'
const again: Advice = (_, eventSeq) => `To deliver its event again: postern replay ${eventSeq}`

const NEXT: Readonly<Record<Step, Readonly<Partial<Record<Obstacle, Advice>>>>> = {
  redrive: {
    pending: () => 'It will be tried when it is due',
    leased: wait,
    succeeded: again,
    cancelled: again,
    overtaken: (seq) =>
      `To run it all the same: postern redrive ${seq} --force; to give it up: postern discard ${seq}`,
  },
  cancel: {
    leased: wait,
    dead: (seq) => `To give it up: postern discard ${seq}`,
    succeeded: nothingLeft,
    cancelled: nothingLeft,
  },
  discard: {
    pending: (seq) => `To take it back: postern cancel ${seq}`,
    leased: wait,
    succeeded: nothingLeft,
    cancelled: nothingLeft,
  },
}

const refusal = v.object({
  result: v.string(),
  state: v.optional(v.string()),
  eventSeq: v.optional(v.number()),
})

/** What the gateway refused, with what the operator can do next; any other error as it is. */
export function withNextStep(error: unknown, deliverySeq: string, step: Step): unknown {
  if (!(error instanceof RefusedError)) return error
  const { success, output } = v.safeParse(refusal, error.body)
  if (!success) return error
  const advice =
    output.result === 'unknown'
      ? "'postern dead' lists what was given up, with its numbers"
      : nextOf(step, output.result === 'overtaken' ? 'overtaken' : output.state)?.(
          deliverySeq,
          String(output.eventSeq),
        )
  if (advice === undefined) return error
  return new RefusedError(`${error.message}. ${advice}`, error)
}

function nextOf(step: Step, obstacle: string | undefined): Advice | undefined {
  return Object.entries(NEXT[step]).find(([name]) => name === obstacle)?.[1]
}
