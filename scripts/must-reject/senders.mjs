import { createHmac } from 'node:crypto'

/** The moment at which everything is verified: 2026-03-02T22:20:01Z. */
export const NOW_SECONDS = 1_772_490_001
const BODY = Buffer.from('{"id":"evt_1","type":"invoice.paid","note":"grüß"}')
const KEY = Buffer.alloc(32, 7)

/**
 * The three forms that the libraries speak, each with how its provider signs: written here from their documentation, so
 * that nothing that is tried is made by what it is tried on.
 */
export const SENDERS = {
  standard: {
    secret: `whsec_${KEY.toString('base64')}`,
    /** Standard Webhooks 1.0.0: `v1,<base64>` of HMAC-SHA256 over `id.time.body`. */
    signed({
      body = BODY,
      key = KEY,
      id = 'msg_1',
      time = String(NOW_SECONDS),
      algorithm = 'sha256',
      label = 'v1',
    }) {
      const signature = mac(algorithm, key, [`${id}.${time}.`, body], 'base64')
      return {
        headers: ['webhook-id', id, 'webhook-timestamp', time, 'webhook-signature', `${label},${signature}`],
        body,
      }
    },
  },
  stripe: {
    secret: 'whsec_a signing secret of Stripe',
    /** docs.stripe.com/webhooks/signature: `t=<time>,v1=<hex>` of HMAC-SHA256 over `time.body`. */
    signed({
      body = BODY,
      key = SENDERS.stripe.secret,
      time = String(NOW_SECONDS),
      algorithm = 'sha256',
      label = 'v1',
    }) {
      const signature = mac(algorithm, key, [`${time}.`, body], 'hex')
      return { headers: ['stripe-signature', `t=${time},${label}=${signature}`], body }
    },
  },
  github: {
    secret: 'a webhook secret of GitHub',
    /** docs.github.com, "Validating webhook deliveries": `sha256=<hex>` of HMAC-SHA256 over the body. */
    signed({ body = BODY, key = SENDERS.github.secret, algorithm = 'sha256', label = algorithm }) {
      const signature = `${label}=${mac(algorithm, key, [body], 'hex')}`
      return {
        headers: ['x-github-delivery', 'd-1', 'x-github-event', 'push', 'x-hub-signature-256', signature],
        body,
      }
    },
  },
}

/** The header that a sender's signature stands in. */
export const SIGNATURE_HEADER = {
  standard: 'webhook-signature',
  stripe: 'stripe-signature',
  github: 'x-hub-signature-256',
}

/** A request of a sender: genuine, except for what is given. */
export function signed(sender, parts = {}) {
  return SENDERS[sender].signed(parts)
}

/** The request with another value in a header, by the old one where a function is given; without it for `undefined`. */
export function withHeader(request, name, change) {
  const headers = [...request.headers]
  const at = headers.indexOf(name)
  const value = typeof change === 'function' ? change(headers[at + 1]) : change
  if (value === undefined) headers.splice(at, 2)
  else headers[at + 1] = value
  return { ...request, headers }
}

export function header(request, name) {
  return request.headers[request.headers.indexOf(name) + 1]
}

export function mac(algorithm, key, parts, encoding) {
  const hmac = createHmac(algorithm, key)
  for (const part of parts) hmac.update(part)
  return hmac.digest(encoding)
}
