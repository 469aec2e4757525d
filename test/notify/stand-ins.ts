import { StandIn, type Asked, type Told } from '../vendors/stand-in-server.ts'

/** Where each is posted to; the last parts are what must never be seen. */
export const SLACK_PATH = '/services/T00000000/B00000000/aVerySecretTokenOfSlack1'
export const DISCORD_PATH = '/api/webhooks/123456789012345678/aVerySecretTokenOfDiscord'
export const PAGERDUTY_PATH = '/v2/enqueue'
export const ROUTING_KEY = 'aVerySecretRoutingKey00000000001'

interface Embed {
  readonly title?: string
  readonly description?: string
  readonly fields?: readonly { readonly name: string; readonly value: string }[]
  readonly footer?: { readonly text: string }
}

/**
 * Slack's incoming webhooks, Discord's webhooks and PagerDuty's Events API v2, by what their public references say: what they
 * take, its limits, and how they answer. A stand-in: none of them has been talked to.
 */
export class ChatStandIn extends StandIn {
  /** What was taken, in order. */
  readonly taken: unknown[] = []
  /** PagerDuty's incidents that are open, by key. */
  readonly open = new Set<string>()

  protected answer({ method, path, body, headers }: Asked): Told {
    if (method !== 'POST') return { status: 405, body: 'method_not_allowed' }
    if (headers['content-type'] !== 'application/json') return { status: 400, body: 'invalid_payload' }
    if (path === SLACK_PATH) return this.#slack(body as Record<string, unknown>)
    if (path === DISCORD_PATH) return this.#discord(body as { readonly embeds?: readonly Embed[] })
    if (path === PAGERDUTY_PATH) return this.#pagerduty(body as Record<string, unknown>)
    return { status: 404, body: 'no_service' }
  }

  #slack(body: Record<string, unknown>): Told {
    const blocks = (body['blocks'] ?? []) as readonly {
      readonly text?: { readonly text: string }
      readonly fields?: readonly { readonly text: string }[]
    }[]
    if (typeof body['text'] !== 'string') return { status: 400, body: 'no_text' }
    const fits = blocks.every(
      ({ text, fields }) =>
        (text === undefined || (text.text.length > 0 && text.text.length <= 3000)) &&
        (fields === undefined || (fields.length <= 10 && fields.every((field) => field.text.length <= 2000))),
    )
    if (!fits || blocks.length > 50) return { status: 400, body: 'invalid_blocks' }
    this.taken.push(body)
    return { status: 200, body: 'ok' }
  }

  #discord({ embeds = [] }: { readonly embeds?: readonly Embed[] }): Told {
    const fits = embeds.every(
      ({ title = '', description = '', fields = [], footer = { text: '' } }) =>
        title.length <= 256 &&
        description.length <= 4096 &&
        fields.length <= 25 &&
        footer.text.length <= 2048 &&
        fields.every(({ name, value }) => name.length <= 256 && value.length > 0 && value.length <= 1024),
    )
    if (!fits || embeds.length === 0)
      return { status: 400, body: { message: 'Invalid Form Body', code: 50_035 } }
    this.taken.push({ embeds })
    return { status: 204, body: '' }
  }

  #pagerduty(body: Record<string, unknown>): Told {
    const { routing_key: routingKey, event_action: action, dedup_key: key } = body
    const payload = (body['payload'] ?? {}) as Record<string, unknown>
    const errors = [
      ...(String(routingKey).length === 32 ? [] : ["Length of 'routing_key' is incorrect"]),
      ...(action === 'resolve' ||
      ['info', 'warning', 'error', 'critical'].includes(String(payload['severity']))
        ? []
        : ["'severity' is invalid"]),
      ...(action === 'resolve' || typeof payload['summary'] === 'string' ? [] : ["'summary' is missing"]),
      ...(action === 'resolve' && typeof key !== 'string' ? ["'dedup_key' is missing"] : []),
    ]
    if (errors.length > 0) {
      return { status: 400, body: { status: 'invalid event', message: 'Event object is invalid', errors } }
    }
    if (action === 'resolve') this.open.delete(String(key))
    else this.open.add(String(key))
    this.taken.push(body)
    return { status: 202, body: { status: 'success', message: 'Event processed', dedup_key: key } }
  }
}
