import type { OpenHandshake } from '../core/index.ts'

/**
 * The handshake of CloudEvents over HTTP (`cloudevents/spec`, "HTTP 1.1 Web Hooks for Event Delivery", 4): whoever asks
 * is allowed to send, as often as it likes.
 */
export function cloudEventsHandshake(name: string, isAuthenticated?: true): OpenHandshake {
  const origin = { header: 'webhook-request-origin' }
  return {
    name,
    method: 'OPTIONS',
    when: [{ in: origin }],
    origin,
    ...(isAuthenticated !== undefined && { isAuthenticated }),
    reply: { headers: { 'webhook-allowed-origin': origin, 'webhook-allowed-rate': '*', allow: 'POST' } },
  }
}
