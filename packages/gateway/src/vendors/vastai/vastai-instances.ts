import type { ApiClient, ApiResult, Pause } from '../api-client.ts'
import type { Change, Reconciliation, Seen } from '../reconciling.ts'
import { VASTAI_ORIGIN, VastaiApi, type VastInstance } from './vastai-api.ts'

/** By whose key Vast.ai's instances are looked at, and when: at intervals, and soon after an event that hints at a change. */
export interface VastaiInstancesOptions {
  /** Default `VAST_API_KEY`; it needs no more than the scope to read. */
  readonly keyVariable?: string
  /** Default 5 minutes. */
  readonly everyMs?: number
  /**
   * How long after an `outbid` or `instance_offline` the instances are looked at. Default 30 s: one such notification was seen to
   * come some 15 s before the instance stopped (reported by others, not documented).
   */
  readonly afterHintMs?: number
}

/** Vast.ai limits requests by "a minimum interval" for each endpoint, and does not say which. */
const BETWEEN_PAGES_MS = 1000
/** 2,000 instances. */
const MOST_PAGES = 80

/** The states (`actual_status`) that an event may have told of. */
const TOLD: Readonly<Record<string, readonly (string | null)[]>> = {
  outbid: ['stopped', 'exited'],
  instance_stopped: ['stopped', 'exited'],
  instance_offline: ['offline', 'unknown'],
  instance_online: ['running'],
  instance_started: ['running', 'loading'],
  instance_created: ['provisioning', 'created', 'loading', 'running'],
}

/**
 * The states of Vast.ai's instances (`GET /api/v1/instances/`). Its webhooks are hints: one that an instance stopped has been seen
 * not to come at all, and none has an instance's id but in its text.
 */
export function vastaiInstances(options: VastaiInstancesOptions = {}): Reconciliation {
  const { keyVariable = 'VAST_API_KEY', everyMs = 5 * 60 * 1000, afterHintMs = 30_000 } = options
  return {
    title: 'Vast.ai',
    origin: VASTAI_ORIGIN,
    keyVariable,
    witness: 'vastai-instances',
    kind: 'instance',
    everyMs,
    hints: ['outbid', 'instance_offline'],
    afterHintMs,
    look,
    tells,
    telling: Object.keys(TOLD),
  }
}

async function look(client: ApiClient, pause: Pause): Promise<ApiResult<readonly Seen[]>> {
  const api = new VastaiApi(client)
  const seen = new Map<number, VastInstance>()
  let next: string | undefined
  for (let page = 1; page <= MOST_PAGES; page += 1) {
    if (page > 1) await pause(BETWEEN_PAGES_MS, undefined)
    const listed = await api.listInstances(next)
    if (!listed.ok) return listed
    for (const instance of listed.value.instances) seen.set(instance.id, instance)
    next = listed.value.next
    if (next === undefined) return { ok: true, value: [...seen.values()].map(seenOf) }
  }
  const message = `its list of instances does not end after ${MOST_PAGES} pages`
  return { ok: false, kind: 'unusable', status: 200, mayBeDone: false, message }
}

/** A state of null is one that "is being provisioned". */
function seenOf({ id, actual_status, intended_status, label, machine_id }: VastInstance): Seen {
  return {
    id: String(id),
    state: actual_status ?? 'provisioning',
    facts: {
      intended_status: intended_status ?? null,
      label: label?.slice(0, 255) ?? null,
      machine_id: machine_id ?? null,
    },
  }
}

/** Whether the text of a notification has the instance's number, as those that were seen do (`… Instance #48927380 …`). */
function tells(
  { id, to }: Change,
  { type, data }: { readonly type: string; readonly data: unknown },
): boolean {
  if (TOLD[type]?.includes(to) !== true || typeof data !== 'object' || data === null) return false
  const { subject, message } = data as { readonly subject?: unknown; readonly message?: unknown }
  return [subject, message].some((text) => typeof text === 'string' && numbersIn(text).includes(id))
}

function numbersIn(text: string): readonly string[] {
  return text.match(/\d+/g) ?? []
}
