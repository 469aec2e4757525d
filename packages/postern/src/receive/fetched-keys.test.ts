import { beforeEach, describe, expect, it, vi } from 'vitest'
import { keyServer, ownCertificate } from '../../../../test/support/other-schemes.ts'
import { signRequest, type KeyFetch, type Logger, type Source } from '../core/index.ts'
import { createPostern } from '../postern.ts'
import { awsSns, github, type AwsSnsOptions } from '../providers/index.ts'
import { memory, type MemoryStore } from '../stores/memory/index.ts'
import { Receiver } from './receiver.ts'

const TOPIC = 'arn:aws:sns:eu-central-1:123456789012:orders'
const CERTIFICATE = 'https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0000000000000000.pem'
const SUBSCRIBE = 'https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&Token=2336'

let logged: unknown[][]

beforeEach(() => {
  logged = []
})

const log: Logger = {
  debug: () => {},
  info: (...args) => void logged.push(args),
  warn: (...args) => void logged.push(args),
  error: (...args) => void logged.push(args),
}

/** A message as Amazon sends one now, by the test's own certificate. */
function message(changes: object = {}): Buffer<ArrayBuffer> {
  const unsigned = {
    Type: 'Notification',
    MessageId: '22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324',
    TopicArn: TOPIC,
    Message: 'Hello',
    Timestamp: '',
    SignatureVersion: '2',
    SigningCertURL: CERTIFICATE,
    ...changes,
  }
  const source = awsSns({ topicArn: TOPIC, signatureVersions: ['2'] })
  const { privateKey } = ownCertificate().own
  return Buffer.from(
    signRequest(source, { body: JSON.stringify(unsigned), nowMs: Date.now(), privateKey }).body,
  )
}

const CONFIRMATION = { Type: 'SubscriptionConfirmation', Token: '2336', SubscribeURL: SUBSCRIBE }

async function answer(
  options: AwsSnsOptions,
  body: Buffer<ArrayBuffer>,
): Promise<{ readonly status: number; readonly retryAfter: string | null; readonly events: number }> {
  const store = memory()
  const postern = createPostern({ store, sources: { own: awsSns({ topicArn: TOPIC, ...options }) }, log })
  const response = await postern.fetch(new Request('http://localhost/webhooks/own', { method: 'POST', body }))
  const { events } = await store.stat()
  await postern.stop()
  return { status: response.status, retryAfter: response.headers.get('retry-after'), events }
}

describe('an event whose key is fetched', () => {
  it('is recorded and answered 200', async () => {
    expect(await answer({ fetch: keyServer().fetch }, message())).toMatchObject({ status: 200, events: 1 })
  })

  it('is answered 503 where the key cannot be had, since that is our own fault', async () => {
    const fetch: KeyFetch = () => Promise.reject(new TypeError('fetch failed'))
    expect(await answer({ fetch }, message())).toEqual({ status: 503, retryAfter: '5', events: 0 })
  })

  it('is answered 401 where its key is elsewhere, and nothing is fetched', async () => {
    const { fetch, asked } = keyServer()
    const body = message({ SigningCertURL: 'https://evil.example/a.pem' })
    expect(await answer({ fetch }, body)).toMatchObject({ status: 401, events: 0 })
    expect(asked).toEqual([])
  })
})

describe('a subscription that wants to be confirmed', () => {
  it('is confirmed by a visit to its address, once it is verified, and is no event', async () => {
    const { fetch, asked } = keyServer()
    const visiting: KeyFetch = (url, init) =>
      url === SUBSCRIBE ? (asked.push(url), Promise.resolve(new Response('<xml/>'))) : fetch(url, init)
    expect(await answer({ fetch: visiting, confirm: true }, message(CONFIRMATION))).toMatchObject({
      status: 200,
      events: 0,
    })
    expect(asked).toEqual([CERTIFICATE, SUBSCRIBE])
  })

  it('is handed to a function, where there is one', async () => {
    const confirm = vi.fn(() => Promise.resolve())
    expect(await answer({ fetch: keyServer().fetch, confirm }, message(CONFIRMATION))).toMatchObject({
      status: 200,
    })
    expect(confirm.mock.calls).toEqual([[SUBSCRIBE]])
  })

  it('is asked for again where that fails; its token is not logged', async () => {
    const confirm = (): Promise<void> => Promise.reject(new Error('no network'))
    expect(await answer({ fetch: keyServer().fetch, confirm }, message(CONFIRMATION))).toMatchObject({
      status: 503,
      events: 0,
    })
    const throwing = (): Promise<void> => {
      throw new Error('no network')
    }
    expect(
      await answer({ fetch: keyServer().fetch, confirm: throwing }, message(CONFIRMATION)),
    ).toMatchObject({
      status: 503,
    })
    expect(JSON.stringify(logged)).not.toContain('2336')
  })

  it('is only told of in the log where nobody was asked to', async () => {
    expect(await answer({ fetch: keyServer().fetch }, message(CONFIRMATION))).toMatchObject({
      status: 200,
      events: 0,
    })
    expect(JSON.stringify(logged)).toContain('set its confirm option')
    expect(JSON.stringify(logged)).not.toContain('2336')
  })

  it('is not confirmed for who cannot sign, or for another topic', async () => {
    const confirm = vi.fn(() => Promise.resolve())
    const forged = Buffer.from(message(CONFIRMATION).toString().replace('Hello', 'Hullo'))
    const other = message({ ...CONFIRMATION, TopicArn: 'arn:aws:sns:eu-central-1:999999999999:evil' })
    for (const body of [forged, other]) {
      expect(await answer({ fetch: keyServer().fetch, confirm }, body)).toMatchObject({
        status: 401,
        events: 0,
      })
    }
    expect(confirm).not.toHaveBeenCalled()
  })

  it('is visited nowhere but at its sender: a genuine one with another address is an event to look at', async () => {
    const confirm = vi.fn(() => Promise.resolve())
    for (const SubscribeURL of [
      'https://evil.example/?Token=1',
      'http://sns.eu-central-1.amazonaws.com/',
      'x',
    ]) {
      const body = message({ ...CONFIRMATION, SubscribeURL })
      expect(await answer({ fetch: keyServer().fetch, confirm }, body)).toMatchObject({
        status: 200,
        events: 1,
      })
    }
    expect(confirm).not.toHaveBeenCalled()
  })
})

describe('a source without keys that are fetched', () => {
  it('puts its event before anything is awaited', async () => {
    const body = Buffer.from('{"zen":"1"}')
    const source = github({ secret: 'a signing secret, long enough' })
    const { receiver, puts } = aReceiver(source)
    const { headers } = signRequest(source, { body, nowMs: Date.now() })
    const answering = receiver.receive('own', {
      method: 'POST',
      url: '/',
      headers: Object.entries(headers).flat(),
      body,
    })
    expect(puts()).toBe(1)
    expect(await answering).toMatchObject({ status: 200 })
  })

  it('does not so with one that is: there the key comes first', async () => {
    const { receiver, puts } = aReceiver(awsSns({ topicArn: TOPIC, fetch: keyServer().fetch }))
    const answering = receiver.receive('own', { method: 'POST', url: '/', headers: [], body: message() })
    expect(puts()).toBe(0)
    expect(await answering).toMatchObject({ status: 200 })
    expect(puts()).toBe(1)
  })
})

function aReceiver(source: Source): { readonly receiver: Receiver; readonly puts: () => number } {
  const store: MemoryStore = memory()
  const put = vi.spyOn(store, 'put')
  const receiver = new Receiver({
    store,
    sources: new Map([['own', source]]),
    destinationsFor: () => [],
    handledDestination: 'handlers',
    reserve: () => undefined,
    handle: () => Promise.resolve(true),
    log,
    observe: () => {},
    now: Date.now,
  })
  return { receiver, puts: () => put.mock.calls.length }
}
