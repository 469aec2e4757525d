import { createHmac, sign as nodeSign } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { keyPair } from '../../../../test/support/key-pairs.ts'
import { signRequest, type Source } from '../core/index.ts'
import { createPostern } from '../postern.ts'
import { discord, slack, stripe, twitch, zoom } from '../providers/index.ts'
import { memory } from '../stores/memory/index.ts'

const SECRET = 'a signing secret, long enough'
const OLD = 'the signing secret before it'
const discordKey = keyPair('ed25519', 1)
const discordSecret = discordKey.publicKey.toString('hex')

interface Sent {
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
  /** Signed with another key where given. */
  readonly signedBy?: Source
}

/** Answers one request of a source, and says what was stored of it. */
async function answer(source: Source, { body, headers = {}, signedBy = source }: Sent): Promise<object> {
  const store = memory()
  const postern = createPostern({ store, sources: { own: source } })
  const made = signRequest(signedBy, {
    body,
    headers,
    id: 'e76c6bd4-55c9-4987-8304-da1588d8988b',
    nowMs: Date.now(),
    privateKey: discordKey.privateKey,
  })
  const response = await postern.fetch(
    new Request('http://localhost/webhooks/own', {
      method: 'POST',
      headers: { ...headers, ...made.headers },
      body,
    }),
  )
  const { events } = await store.stat()
  await postern.stop()
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    sniff: response.headers.get('x-content-type-options'),
    text: await response.text(),
    events,
  }
}

function echoed(text: string): object {
  return { status: 200, type: 'text/plain; charset=utf-8', sniff: 'nosniff', text, events: 0 }
}

function inJson(json: object): object {
  return { status: 200, type: 'application/json', sniff: null, text: JSON.stringify(json), events: 0 }
}

const STORED = { status: 200, text: '{"received":true}', events: 1 }
const REFUSED = { status: 401, text: '{"error":"Invalid signature"}', events: 0 }

describe('a handshake that its sender signs', () => {
  const url =
    '{"token":"t","challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P","type":"url_verification"}'

  it('is answered with its challenge, and is no event: Slack', async () => {
    expect(await answer(slack({ secret: SECRET }), { body: url })).toEqual(
      echoed('3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P'),
    )
  })

  it('is answered with an HMAC of its token, by the key that signed it: Zoom', async () => {
    const body =
      '{"event":"endpoint.url_validation","event_ts":1654503849680,"payload":{"plainToken":"qgg8vlvZRS6UYooatFL8Aw"}}'
    const encryptedToken = (secret: string): string =>
      createHmac('sha256', secret).update('qgg8vlvZRS6UYooatFL8Aw').digest('hex')
    const rotating = zoom({ secret: [SECRET, OLD] })
    expect(await answer(rotating, { body })).toEqual(
      inJson({ plainToken: 'qgg8vlvZRS6UYooatFL8Aw', encryptedToken: encryptedToken(SECRET) }),
    )
    expect(await answer(rotating, { body, signedBy: zoom({ secret: OLD }) })).toEqual(
      inJson({ plainToken: 'qgg8vlvZRS6UYooatFL8Aw', encryptedToken: encryptedToken(OLD) }),
    )
  })

  it('is answered as text, whatever is in it: Twitch', async () => {
    const body = '{"challenge":"<script>1</script>","subscription":{"type":"stream.online"}}'
    const headers = { 'twitch-eventsub-message-type': 'webhook_callback_verification' }
    expect(await answer(twitch({ secret: SECRET }), { body, headers })).toEqual(echoed('<script>1</script>'))
  })

  it('is answered with a constant, or with nothing: Discord', async () => {
    const source = discord({ secret: discordSecret })
    expect(await answer(source, { body: '{"id":"1","type":1,"application_id":"1"}' })).toEqual(
      inJson({ type: 1 }),
    )
    expect(await answer(source, { body: '{"version":1,"application_id":"1","type":0}' })).toEqual({
      status: 204,
      type: null,
      sniff: null,
      text: '',
      events: 0,
    })
  })

  it.each([
    ['Slack', slack({ secret: SECRET }), slack({ secret: 'a secret of somebody else' }), url, {}],
    [
      'Twitch',
      twitch({ secret: SECRET }),
      twitch({ secret: 'a secret of somebody else' }),
      '{"challenge":"c"}',
      { 'twitch-eventsub-message-type': 'webhook_callback_verification' },
    ],
  ] as const)(
    'is refused where it is not signed by its sender: %s',
    async (_, source, signedBy, body, headers) => {
      expect(await answer(source, { body, headers, signedBy })).toMatchObject(REFUSED)
    },
  )

  it('is refused where it is not signed by its sender: Discord', async () => {
    const body = '{"type":1}'
    const timestamp = String(Math.floor(Date.now() / 1000))
    const forged = nodeSign(null, Buffer.from(timestamp + body), keyPair('ed25519', 2).privateKey)
    const postern = createPostern({ store: memory(), sources: { own: discord({ secret: discordSecret }) } })
    const response = await postern.fetch(
      new Request('http://localhost/webhooks/own', {
        method: 'POST',
        headers: { 'x-signature-ed25519': forged.toString('hex'), 'x-signature-timestamp': timestamp },
        body,
      }),
    )
    await postern.stop()
    expect(response.status).toBe(401)
  })
})

describe('what is no handshake is an event', () => {
  it.each([
    [
      'an event',
      slack({ secret: SECRET }),
      '{"type":"event_callback","event_id":"Ev1","event":{"type":"message"}}',
    ],
    ['without a challenge', slack({ secret: SECRET }), '{"type":"url_verification"}'],
    ['with an empty challenge', slack({ secret: SECRET }), '{"type":"url_verification","challenge":""}'],
    [
      'with a challenge that is no text',
      slack({ secret: SECRET }),
      '{"type":"url_verification","challenge":{}}',
    ],
    [
      'with a challenge of a page',
      slack({ secret: SECRET }),
      `{"type":"url_verification","challenge":"${'a'.repeat(1025)}"}`,
    ],
    ['without a token', zoom({ secret: SECRET }), '{"event":"endpoint.url_validation","payload":{}}'],
    [
      'an event of Discord',
      discord({ secret: discordSecret }),
      '{"type":1,"event":{"type":"ENTITLEMENT_CREATE"}}',
    ],
    ['an interaction of Discord', discord({ secret: discordSecret }), '{"id":"1","type":2}'],
    [
      'of a provider without any',
      stripe({ secret: SECRET }),
      '{"id":"1","type":"url_verification","challenge":"c"}',
    ],
  ] as const)('%s', async (_, source, body) => {
    expect(await answer(source, { body })).toMatchObject(STORED)
  })

  it('a notification of Twitch whose unsigned header says otherwise, since it has no challenge', async () => {
    const body = '{"subscription":{"type":"stream.online"},"event":{"id":"1"}}'
    const headers = { 'twitch-eventsub-message-type': 'webhook_callback_verification' }
    expect(await answer(twitch({ secret: SECRET }), { body, headers })).toMatchObject(STORED)
  })
})
