import { PosternError } from '../core/index.ts'
import type { RetrySchedule } from '../inbox/index.ts'

/** What one destination has of its own; what is absent is as `worker` and `retry` say for all. */
export interface DestinationLimits {
  /** Attempts that run at once. */
  readonly concurrency?: number
  /**
   * The deadline of an attempt, in milliseconds: it has failed then, and `signal` is aborted. A handler that does not heed that runs
   * on beside its retries.
   */
  readonly timeoutMs?: number
  /** When a failed delivery is tried again; what it leaves out is as the inbox's own `retry` has it. */
  readonly retry?: Partial<RetrySchedule>
  /** Asked before each claim: a pause, a rate or a circuit breaker leaves deliveries pending, without an attempt. */
  readonly gate?: Gate
}

/** Says when attempts of one destination may begin. It hears of them through the handler that it stands before. */
export interface Gate {
  /** How many may begin now, beside those that have begun; `Infinity` where nothing limits them. Asked often, so it must be cheap. */
  places(): number
  /** Takes the one listener that is to be called whenever `places()` may have grown without an attempt having ended. */
  onOpen?(listener: () => void): void
}

/**
 * The limits of each destination that has any. Several handlers may share a destination; where two of them say different
 * things about it, neither can be right.
 */
export function limitsByDestination(
  registrations: readonly { readonly destination: string; readonly limits?: DestinationLimits | undefined }[],
): ReadonlyMap<string, DestinationLimits> {
  const all = new Map<string, DestinationLimits>()
  for (const { destination, limits } of registrations) {
    if (limits === undefined) continue
    const before: DestinationLimits = all.get(destination) ?? {}
    const name = disputed(before, limits)
    if (name !== undefined) {
      throw new PosternError(
        'bad_config',
        `handlers: two handlers of the destination '${destination}' give it different values of ${name}`,
      )
    }
    all.set(destination, { ...before, ...limits })
  }
  return all
}

function disputed(before: DestinationLimits, limits: DestinationLimits): string | undefined {
  const { retry, ...others } = limits
  const name = Object.keys(others).find((key) => {
    const known = before[key as keyof typeof others]
    return known !== undefined && known !== others[key as keyof typeof others]
  })
  if (name !== undefined) return name
  const isSame = retry === undefined || before.retry === undefined || isEqual(before.retry, retry)
  return isSame ? undefined : 'retry'
}

function isEqual(left: Partial<RetrySchedule>, right: Partial<RetrySchedule>): boolean {
  const names = [...Object.keys(left), ...Object.keys(right)] as (keyof RetrySchedule)[]
  return names.every((name) => left[name] === right[name])
}
