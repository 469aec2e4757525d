import { describe, expect, test } from 'vitest'
import { sign, type Logger, type Provider, type Source } from './core/index.ts'
import { createPostern } from './postern.ts'
import { providers, sentry, vastai } from './providers/index.ts'
import { checkedSources } from './sources.ts'
import { memory } from './stores/memory/index.ts'

const SECRET = 'a signing secret, long enough'
const SILENT: Logger = { debug() {}, info() {}, warn() {}, error() {} }

/** A source of a provider, whatever it takes to verify its requests. */
function handled(provider: Provider): Source {
  return { ...vastai({ secret: SECRET, ack: 'handled' }), provider }
}

function isRefused(source: Source): boolean {
  try {
    checkedSources({ shop: source }, SILENT)
    return false
  } catch {
    return true
  }
}

describe('a sender that waits too short for a handler', () => {
  test('is refused by its path where it is to wait for one, with what to do', () => {
    const source = sentry({ secret: SECRET, ack: 'handled' })
    expect(() => createPostern({ store: memory(), sources: { shop: source }, log: SILENT })).toThrow(
      expect.objectContaining({
        code: 'bad_config',
        message:
          "sources.shop: Sentry waits 1000 ms for its answer, too short for a handler to be waited for; leave out ack: 'handled', and it is answered once the event is recorded",
      }),
    )
  })

  test('is Sentry alone, of all providers', () => {
    const refused = providers.filter((provider) => isRefused(handled(provider)))
    expect(refused.map(({ name }) => name)).toEqual(['sentry'])
  })

  test('is taken where it is answered once the event is recorded', () => {
    expect(isRefused(sentry({ secret: SECRET }))).toBe(false)
  })

  test('is one that waits for less than a second and a half, which is enough', async () => {
    const waiting = (senderTimeoutMs: number): Source =>
      handled({ ...vastai({ secret: SECRET }).provider, senderTimeoutMs })
    expect(isRefused(waiting(1499))).toBe(true)
    const shop = waiting(1500)
    const postern = createPostern({
      store: memory(),
      sources: { shop },
      handlers: (on) => [on('shop', '*', () => new Promise((resolve) => setImmediate(resolve)))],
      log: SILENT,
    })
    const body = '{"notif_type":"outbid"}'
    const headers = sign(shop, { body, nowMs: Date.now() })
    const request = new Request('http://inbox.test/webhooks/shop', { method: 'POST', headers, body })
    expect((await postern.fetch(request)).status).toBe(200)
    await postern.stop()
  })
})
