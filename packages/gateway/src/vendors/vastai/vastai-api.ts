import * as v from 'valibot'
import type { ApiClient, ApiResult } from '../api-client.ts'

/** Vast.ai's API (docs.vast.ai, api-reference/openapi: notifications and show instances, read 2026-08-07). */
export const VASTAI_ORIGIN = 'https://console.vast.ai'

/** "4 webhooks per user" (docs.vast.ai/guides/reference/notification-webhooks). */
export const MOST_WEBHOOKS = 4
export const LONGEST_URL = 2048
export const LONGEST_NAME = 120
/** "max 25 per page". */
const PAGE_LENGTH = 25
/** What a notification's key, id or status could be at its longest; nothing documents one. */
const text = v.pipe(v.string(), v.maxLength(255))

/** An event that can be subscribed to, such as `client:outbid`. */
export interface VastNotificationKind {
  readonly key: string
  readonly context: string
  readonly display_name?: string | undefined
}

export interface VastWebhook {
  readonly id: number
  readonly name?: string | null | undefined
  readonly webhook_url: string
  readonly event_types: readonly string[]
  /** Unix time in seconds. */
  readonly created_at?: number | undefined
}

export interface VastWebhookWithSecret extends VastWebhook {
  readonly webhook_secret: string
}

export interface VastInstance {
  readonly id: number
  readonly actual_status?: string | null | undefined
  readonly intended_status?: string | null | undefined
  readonly label?: string | null | undefined
  readonly machine_id?: number | null | undefined
}

const notificationType = v.object({
  key: text,
  context: text,
  display_name: v.optional(v.string()),
})

const webhook = v.object({
  id: v.pipe(v.number(), v.integer()),
  name: v.nullish(v.string()),
  webhook_url: v.string(),
  event_types: v.array(text),
  created_at: v.optional(v.number()),
})

const webhookWithSecret = v.object({
  ...webhook.entries,
  // Printable: it is to stand in a variable. Longer than any HMAC key needs to be.
  webhook_secret: v.pipe(v.string(), v.regex(/^[\x21-\x7e]{16,512}$/)),
})

const instance = v.object({
  id: v.pipe(v.number(), v.integer(), v.minValue(0)),
  actual_status: v.nullish(text),
  intended_status: v.nullish(text),
  label: v.nullish(v.string()),
  machine_id: v.nullish(v.number()),
})

const instancesPage = v.object({
  instances: v.array(instance),
  next_token: v.nullish(v.pipe(v.string(), v.maxLength(4096))),
})

/**
 * Of an instance only this is asked for: the whole has its environment and a token for its notebook.
 */
const COLUMNS = ['id', 'actual_status', 'intended_status', 'label', 'machine_id']

/** The part of Vast.ai's API that is needed here. Scopes: `user_read` to list, `user_write` to change. */
export class VastaiApi {
  readonly #client: ApiClient

  constructor(client: ApiClient) {
    this.#client = client
  }

  /** The events that this account can subscribe to. */
  async listTypes(): Promise<ApiResult<readonly VastNotificationKind[]>> {
    const schema = v.object({ notification_types: v.array(notificationType) })
    return select(
      await this.#client.ask({ method: 'GET', path: '/api/v0/notification-types/' }, schema),
      ({ notification_types }) => notification_types,
    )
  }

  async listWebhooks(): Promise<ApiResult<readonly VastWebhook[]>> {
    const schema = v.object({ webhooks: v.array(webhook) })
    return select(
      await this.#client.ask({ method: 'GET', path: '/api/v0/webhooks/' }, schema),
      ({ webhooks }) => webhooks,
    )
  }

  /** The only other answer with a secret is that of `rotateSecret`. */
  async createWebhook(input: {
    readonly url: string
    readonly name: string
    readonly events: readonly string[]
  }): Promise<ApiResult<VastWebhookWithSecret>> {
    const body = { name: input.name, webhook_url: input.url, event_types: input.events }
    const request = { method: 'POST', path: '/api/v0/webhooks/', body } as const
    return select(await this.#client.ask(request, withSecret), (answer) => answer.webhook)
  }

  async setEvents(id: number, events: readonly string[]): Promise<ApiResult<VastWebhook>> {
    const request = { method: 'PUT', path: pathOf(id), body: { event_types: events } } as const
    return select(await this.#client.ask(request, v.object({ webhook })), (answer) => answer.webhook)
  }

  deleteWebhook(id: number): Promise<ApiResult<unknown>> {
    return this.#client.askRaw({ method: 'DELETE', path: pathOf(id) })
  }

  /** Whether the old secret goes on for a while is not documented: take it that it does not. */
  async rotateSecret(id: number): Promise<ApiResult<{ readonly webhook_secret: string }>> {
    const schema = v.object({ webhook: v.pick(webhookWithSecret, ['webhook_secret']) })
    const request = { method: 'POST', path: `${pathOf(id)}rotate-secret/` } as const
    return select(await this.#client.ask(request, schema), (answer) => answer.webhook)
  }

  /** Vast.ai sends a `webhook_test` to the URL, signed as any other, and once only. */
  sendTest(id: number): Promise<ApiResult<unknown>> {
    return this.#client.askRaw({ method: 'POST', path: `${pathOf(id)}test/` })
  }

  /** One page of instances in the order of their ids; `next` asks for the one after. */
  async listInstances(
    after?: string,
  ): Promise<ApiResult<{ readonly instances: readonly VastInstance[]; readonly next: string | undefined }>> {
    const query = {
      limit: String(PAGE_LENGTH),
      order_by: JSON.stringify([{ col: 'id', dir: 'asc' }]),
      select_cols: JSON.stringify(COLUMNS),
      ...(after !== undefined && { after_token: after }),
    }
    const request = { method: 'GET', path: '/api/v1/instances/', query } as const
    return select(await this.#client.ask(request, instancesPage), ({ instances, next_token }) => ({
      instances,
      next: next_token ?? undefined,
    }))
  }
}

const withSecret = v.object({ webhook: webhookWithSecret })

function pathOf(id: number): string {
  return `/api/v0/webhooks/${id}/`
}

function select<T, U>(result: ApiResult<T>, value: (from: T) => U): ApiResult<U> {
  return result.ok ? { ok: true, value: value(result.value) } : result
}
