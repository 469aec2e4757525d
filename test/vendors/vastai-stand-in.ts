import { createHmac, randomBytes } from 'node:crypto'
import { StandIn, type Asked, type Told } from './stand-in-server.ts'

export const VAST_KEY = 'vast-api-key-0123456789abcdef'

interface Webhook {
  readonly id: number
  readonly user_id: number
  name: string | null
  webhook_url: string
  event_types: string[]
  readonly created_at: number
  updated_at: number
}

export interface Instance {
  readonly id: number
  actual_status: string | null
  intended_status?: string
  label?: string | null
  machine_id?: number
  /** Part of the real answer, and nothing that may be asked for or kept. */
  readonly jupyter_token?: string
}

const TYPES =
  'low_credit billing_failed instance_started instance_stopped instance_offline instance_online outbid upcoming_downtime'
    .split(' ')
    .map((slug) => typeOf('client', slug))

/**
 * Vast.ai's API and its webhooks, from its documentation alone (github.com/vast-ai/docs at c6246226: api-reference/openapi/yaml/
 * notifications.yaml and show_instances.yaml, guides/reference/notification-webhooks.mdx). It signs with node:crypto.
 *
 * Not documented, and made up here: that the old secret ends with a rotation, that a retry is signed anew.
 */
export class VastaiStandIn extends StandIn {
  readonly webhooks: Webhook[] = []
  readonly secrets = new Map<number, string>()
  instances: Instance[] = []
  /** Every notification by its id, and what it was answered at last. */
  readonly sent = new Map<string, { readonly body: string; readonly status: number }>()
  /** Every secret it has ever told, to look for in what is printed. */
  readonly told: string[] = []
  /** Where the world's URL of a webhook leads to: a tunnel. */
  readonly #tunnel: (url: string) => string
  #nextId = 42

  constructor(tunnel: (url: string) => string) {
    super()
    this.#tunnel = tunnel
  }

  /** Sends a notification to all who subscribed to it, trying again as documented; answers the last status for each. */
  async notify(slug: string, subject: string, message = subject): Promise<number[]> {
    const webhooks = this.webhooks.filter(({ event_types }) => event_types.includes(`client:${slug}`))
    return Promise.all(webhooks.map((webhook) => this.#deliver(webhook, slug, subject, message, 20)))
  }

  async #deliver(
    webhook: Webhook,
    type: string,
    subject: string,
    message: string,
    attempts: number,
  ): Promise<number> {
    const event_id = randomBytes(16).toString('hex')
    const timestamp = Date.now() / 1000
    const body = JSON.stringify({ event_id, user_id: 123, notif_type: type, subject, message, timestamp })
    for (let attempt = 1; ; attempt += 1) {
      const status = await this.#send(webhook, { event_id, body, attempt })
      this.sent.set(event_id, { body, status })
      const isRetried = status === 408 || status === 429 || status >= 500 || status === 0
      if (!isRetried || attempt === attempts) return status
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  async #send(
    webhook: Webhook,
    {
      event_id,
      body,
      attempt,
    }: { readonly event_id: string; readonly body: string; readonly attempt: number },
  ): Promise<number> {
    const seconds = String(Math.floor(Date.now() / 1000))
    const hmac = createHmac('sha256', this.secrets.get(webhook.id) ?? '').update(`${seconds}.${body}`)
    const response = await fetch(this.#tunnel(webhook.webhook_url), {
      method: 'POST',
      body,
      redirect: 'manual',
      signal: AbortSignal.timeout(10_000),
      headers: {
        'content-type': 'application/json',
        'x-vast-event-id': event_id,
        'x-vast-delivery-attempt': String(attempt),
        'x-vast-timestamp': seconds,
        'x-vast-signature-256': `sha256=${hmac.digest('hex')}`,
      },
    }).catch(() => undefined)
    await response?.arrayBuffer()
    return response?.status ?? 0
  }

  protected async answer(asked: Asked): Promise<Told> {
    if (asked.headers.authorization !== `Bearer ${VAST_KEY}`)
      return error(401, 'auth_error', 'Invalid user key')
    const [, id, verb] = /^\/api\/v0\/webhooks\/(\d+)\/(?:([a-z-]+)\/)?$/.exec(asked.path) ?? []
    if (id !== undefined) return this.#oneWebhook(asked, Number(id), verb)
    switch (`${asked.method} ${asked.path}`) {
      case 'GET /api/v0/notification-types/':
        return {
          status: 200,
          body: { success: true, notification_types: [...TYPES, typeOf('host', 'machine_offline')] },
        }
      case 'GET /api/v0/webhooks/':
        return { status: 200, body: { success: true, webhooks: this.webhooks } }
      case 'POST /api/v0/webhooks/':
        return this.#create(asked.body as Partial<Webhook>)
      case 'GET /api/v1/instances/':
        return this.#listInstances(asked.query)
      default:
        return error(404, 'not_found', 'no such path')
    }
  }

  #create({ name = null, webhook_url = '', event_types = [] }: Partial<Webhook>): Told {
    if (this.webhooks.length >= 4) return error(400, 'webhook_limit', 'You can have at most 4 webhooks')
    if (!webhook_url.startsWith('https://') || webhook_url.length > 2048)
      return error(400, 'invalid_args', 'Invalid URL')
    if (event_types.length === 0) return error(400, 'invalid_args', 'event_types is required')
    const now = Date.now() / 1000
    const webhook = {
      id: this.#nextId++,
      user_id: 123,
      name,
      webhook_url,
      event_types,
      created_at: now,
      updated_at: now,
    }
    this.webhooks.push(webhook)
    return {
      status: 200,
      body: {
        success: true,
        webhook: { ...webhook, webhook_secret: this.#newSecret(webhook.id) },
        enabled_notification_preferences: event_types,
      },
    }
  }

  async #oneWebhook({ method, body }: Asked, id: number, verb: string | undefined): Promise<Told> {
    const webhook = this.webhooks.find((each) => each.id === id)
    if (webhook === undefined) return error(404, 'not_found', 'Webhook not found')
    if (method === 'POST' && verb === 'rotate-secret')
      return {
        status: 200,
        body: { success: true, webhook: { ...webhook, webhook_secret: this.#newSecret(id) } },
      }
    if (method === 'POST' && verb === 'test') {
      const status = await this.#deliver(webhook, 'webhook_test', 'Test notification', 'This is a test.', 1)
      return status >= 200 && status < 300
        ? { status: 200, body: { success: true, msg: 'Test webhook delivered' } }
        : error(400, 'invalid_args', 'Webhook URL is not deliverable')
    }
    if (method === 'PUT') Object.assign(webhook, body)
    if (method === 'DELETE') this.webhooks.splice(this.webhooks.indexOf(webhook), 1)
    return { status: 200, body: { success: true, webhook } }
  }

  #newSecret(id: number): string {
    const secret = `vast-secret-${randomBytes(24).toString('hex')}`
    this.secrets.set(id, secret)
    this.told.push(secret)
    return secret
  }

  /** "Keyset pagination (max 25 per page)"; "an invalid token returns a 400 error". */
  #listInstances(query: URLSearchParams): Told {
    const limit = Math.min(Number(query.get('limit') ?? 25), 25)
    const token = query.get('after_token')
    const after = token === null ? 0 : idIn(token)
    if (after === undefined) return error(400, 'invalid_args', 'Invalid after_token')
    const columns = JSON.parse(query.get('select_cols') ?? '["*"]') as string[]
    const sorted = this.instances.toSorted((left, right) => left.id - right.id)
    const rest = sorted.filter(({ id }) => id > after)
    const page = rest.slice(0, limit)
    const last = page.at(-1)
    return {
      status: 200,
      body: {
        success: true,
        instances_found: page.length,
        total_instances: sorted.length,
        next_token: rest.length > page.length && last !== undefined ? tokenOf(last.id) : null,
        instances: page.map((instance) => selected(instance, columns)),
      },
    }
  }
}

function typeOf(context: string, slug: string): object {
  return {
    key: `${context}:${slug}`,
    slug,
    context,
    topic: null,
    category: 'x',
    display_name: slug,
    mandatory_email: false,
  }
}

function error(status: number, name: string, msg: string): Told {
  return { status, body: { success: false, error: name, msg } }
}

function tokenOf(id: number): string {
  return Buffer.from(JSON.stringify({ values: { id } })).toString('base64')
}

function idIn(token: string): number | undefined {
  try {
    return (JSON.parse(Buffer.from(token, 'base64').toString()) as { values: { id: number } }).values.id
  } catch {
    return undefined
  }
}

function selected(instance: Instance, columns: readonly string[]): object {
  if (columns.includes('*')) return instance
  const all = instance as unknown as Readonly<Record<string, unknown>>
  return Object.fromEntries(columns.map((column) => [column, all[column] ?? null]))
}
