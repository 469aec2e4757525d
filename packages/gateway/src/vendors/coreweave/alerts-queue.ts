import * as v from 'valibot'
import type { ApiClient, ApiResult } from '../api-client.ts'
import { elementsOf } from '../json-elements.ts'
import type { PullQueue, QueueMessage } from '../pull-queue.ts'

/** Which queue of CoreWeave Alerts is pulled, by whose key, and how often. */
export interface CoreweaveQueueOptions {
  /** Of a destination whose channel is `queue`. */
  readonly destinationId: string
  /** Default `COREWEAVE_API_TOKEN`; its owner needs Alerts Viewer to list, and Alerts Admin to acknowledge. */
  readonly keyVariable?: string
  /** How often it is asked while it is empty. Default 15 s: what CoreWeave allows is not in the text that could be read. */
  readonly everyMs?: number
}

const ORIGIN = 'https://api.coreweave.com'
/** As in CoreWeave's own example. */
const PAGE_LENGTH = 100
/** "Send between 1 and 500 message IDs". */
const MOST_ACKNOWLEDGED = 500

/**
 * The queue of a CoreWeave Alerts destination (docs.coreweave.com/platform/coreweave-alerts/alerts-api): "a queue destination holds
 * alerts until you acknowledge them. Listing doesn't remove messages".
 *
 * Not documented, as far as it could be read: the form of the list, which is taken to be `{ "messages": [ … ] }`; the member with a
 * message's id, taken to be `messageId`, else `id`; whether a message is signed, so that none is verified beyond the connection it
 * came over.
 */
export function coreweaveQueue(options: CoreweaveQueueOptions): PullQueue {
  const { destinationId, keyVariable = 'COREWEAVE_API_TOKEN', everyMs = 15_000 } = options
  const path = `/v1/notifications/queues/${encodeURIComponent(destinationId)}/messages`
  return {
    title: 'CoreWeave Alerts',
    origin: ORIGIN,
    keyVariable,
    witness: 'coreweave-queue',
    everyMs,
    queueId: destinationId,
    list: (client) => list(client, path),
    acknowledge: (client, ids) => acknowledge(client, `${path}/ack`, ids),
  }
}

async function list(client: ApiClient, path: string): Promise<ApiResult<readonly QueueMessage[]>> {
  const answer = await client.askRaw({ method: 'GET', path, query: { limit: String(PAGE_LENGTH) } })
  if (!answer.ok) return answer
  const { json, text } = answer.value
  const checked = v.safeParse(page, json)
  if (!checked.success || Array.isArray(json)) {
    const message = 'its API gave no usable answer: it has no list of messages'
    return { ok: false, kind: 'unusable', status: 200, mayBeDone: false, message }
  }
  // A gateway before gRPC leaves an empty list out.
  const texts = elementsOf(text, 'messages') ?? []
  const messages = checked.output.messages ?? []
  return { ok: true, value: texts.map((each, index) => ({ id: idOf(messages[index]), text: each })) }
}

const page = v.object({ messages: v.nullish(v.array(v.unknown())) })
const id = v.union([v.pipe(v.string(), v.minLength(1)), v.pipe(v.number(), v.safeInteger())])
const message = v.union([v.object({ messageId: id }), v.object({ id })])

function idOf(value: unknown): string | undefined {
  const checked = v.safeParse(message, value)
  if (!checked.success) return undefined
  return String('messageId' in checked.output ? checked.output.messageId : checked.output.id)
}

/** "The request skips IDs that were already acknowledged or that expired, so `acked` can be lower". */
async function acknowledge(
  client: ApiClient,
  path: string,
  ids: readonly string[],
): Promise<ApiResult<number>> {
  let acked = 0
  for (let start = 0; start < ids.length; start += MOST_ACKNOWLEDGED) {
    const messageIds = ids.slice(start, start + MOST_ACKNOWLEDGED)
    const answer = await client.ask({ method: 'POST', path, body: { messageIds } }, acknowledged)
    if (!answer.ok) return answer
    acked += Number(answer.value.acked ?? 0)
  }
  return { ok: true, value: acked }
}

const acknowledged = v.object({
  acked: v.nullish(v.union([v.number(), v.pipe(v.string(), v.regex(/^\d{1,9}$/))])),
})
