/** Handshakes that nothing signs, over each way in. */
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, request as httpRequest, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import * as jose from 'jose'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { expressMount } from '../adapters/express.ts'
import { defineAnySource, signRequest, type LogFields, type Source } from '../core/index.ts'
import { createPostern, type Postern } from '../postern.ts'
import {
  asana,
  cloudevents,
  dropbox,
  eventgrid,
  eventgridEntra,
  meta,
  msgraph,
  notion,
  okta,
  providers,
  stripe,
  trello,
  x,
} from '../providers/index.ts'
import { memory, type MemoryStore } from '../stores/memory/index.ts'

const SECRET = 'a signing secret, long enough'
const TOKEN = 'the verify token of this app'
const NOW_MS = Date.UTC(2026, 2, 2, 22, 20, 1)

interface Asked {
  readonly method: string
  /** After the source's path. */
  readonly query?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

interface Answered {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
}

type Ask = (asked: Asked, name?: string) => Promise<Answered>

/** The ways in: each takes a request to a source called `own`. */
const SKINS: Readonly<Record<string, (postern: Postern) => Promise<Ask>>> = {
  'node:http': (postern) => listening((request, response) => void postern.node(request, response)),
  Express: (postern) => listening(express().use('/webhooks', expressMount(postern))),
  Fetch:
    async (postern) =>
    async ({ method, query = '', headers = {}, body }, name = 'own') => {
      const init = { method, headers, ...(body !== undefined && { body }) }
      const response = await postern.fetch(new Request(`http://localhost/webhooks/${name}${query}`, init))
      return {
        status: response.status,
        headers: Object.fromEntries(response.headers),
        text: await response.text(),
      }
    },
}

async function listening(listener: RequestListener): Promise<Ask> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return ({ method, query = '', headers = {}, body }, name = 'own') =>
    new Promise((resolve, reject) => {
      const path = `/webhooks/${name}${query}`
      const sent = httpRequest(
        { port, host: '127.0.0.1', method, path, headers, agent: false },
        (response) => {
          let text = ''
          response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
          response.on('end', () =>
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers as Readonly<Record<string, string>>,
              text,
            }),
          )
        },
      )
      sent.on('error', reject).end(body)
    })
}

interface Inbox {
  readonly postern: Postern
  readonly store: MemoryStore
  /** Everything that was logged, as text. */
  readonly logged: () => string
}

function inboxOf(source: Source, others: Readonly<Record<string, Source>> = {}): Inbox {
  const store = memory()
  const lines: string[] = []
  const log = (message: string, fields?: LogFields): void => void lines.push(message + JSON.stringify(fields))
  const postern = createPostern({
    store,
    sources: { own: source, ...others },
    log: { debug: log, info: log, warn: log, error: log },
    observe: (occurrence) => lines.push(JSON.stringify(occurrence)),
    now: () => NOW_MS,
  })
  onTestFinished(() => postern.stop())
  return { postern, store, logged: () => lines.join('\n') }
}

const plain = (text: string): object => ({
  status: 200,
  text,
  headers: { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' },
})
const json = (value: object): object => ({
  status: 200,
  text: JSON.stringify(value),
  headers: { 'content-type': 'application/json' },
})
const NO_METHOD = { status: 405, text: '{"error":"Method not allowed"}', headers: { allow: 'POST' } }
const NOT_AUTHENTIC = { status: 401, text: '{"error":"Invalid signature"}' }

interface Case {
  readonly name: string
  readonly answering: Source
  readonly silent: Source
  readonly asked: Asked
  readonly answer: object
}

const kept: string[] = []
const keep = (secret: string): void => void kept.push(secret)

const ENTRA = { jose, tenantId: '00000000-0000-0000-0000-000000000000', audience: 'api://webhook' }

const CASES: readonly Case[] = [
  {
    name: 'meta',
    answering: meta({ secret: SECRET, handshake: { token: TOKEN } }),
    silent: meta({ secret: SECRET }),
    asked: {
      method: 'GET',
      query: `?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=${encodeURIComponent(TOKEN)}`,
    },
    answer: plain('1158201444'),
  },
  {
    name: 'x',
    answering: x({ secret: [SECRET, 'the secret before it'], handshake: true }),
    silent: x({ secret: SECRET }),
    asked: { method: 'GET', query: '?crc_token=challenge_string-1' },
    answer: json({
      response_token: `sha256=${createHmac('sha256', SECRET).update('challenge_string-1').digest('base64')}`,
    }),
  },
  {
    name: 'dropbox',
    answering: dropbox({ secret: SECRET, handshake: true }),
    silent: dropbox({ secret: SECRET }),
    asked: { method: 'GET', query: '?challenge=%3Cscript%3Ealert(1)%3C/script%3E' },
    answer: plain('<script>alert(1)</script>'),
  },
  {
    name: 'okta',
    answering: okta({ secret: SECRET, handshake: true }),
    silent: okta({ secret: SECRET }),
    asked: { method: 'GET', headers: { 'x-okta-verification-challenge': 'once upon a time' } },
    answer: json({ verification: 'once upon a time' }),
  },
  {
    name: 'msgraph',
    answering: msgraph({ secret: SECRET, handshake: true }),
    silent: msgraph({ secret: SECRET }),
    asked: { method: 'POST', query: '?validationToken=Validation%3A+Testing%20client%2Bapplication' },
    answer: plain('Validation: Testing client+application'),
  },
  {
    name: 'cloudevents',
    answering: cloudevents({ secret: SECRET, handshake: true }),
    silent: cloudevents({ secret: SECRET }),
    asked: { method: 'OPTIONS', headers: { 'webhook-request-origin': 'eventemitter.example.com' } },
    answer: {
      status: 200,
      text: '',
      headers: {
        'webhook-allowed-origin': 'eventemitter.example.com',
        'webhook-allowed-rate': '*',
        allow: 'POST',
      },
    },
  },
  {
    name: 'eventgrid',
    answering: eventgrid({ secret: 'grid & secret, long', handshake: { origins: ['eventgrid.azure.net'] } }),
    silent: eventgrid({ secret: 'grid & secret, long' }),
    asked: {
      method: 'OPTIONS',
      query: '?code=grid%20%26%20secret%2C%20long',
      headers: { 'webhook-request-origin': 'eventgrid.azure.net', 'webhook-request-rate': '120' },
    },
    answer: { status: 200, text: '', headers: { 'webhook-allowed-origin': 'eventgrid.azure.net' } },
  },
  {
    name: 'eventgrid-entra',
    answering: eventgridEntra({ ...ENTRA, handshake: { origins: ['eventgrid.azure.net'] } }),
    silent: eventgridEntra(ENTRA),
    asked: { method: 'OPTIONS', headers: { 'webhook-request-origin': 'eventgrid.azure.net' } },
    answer: { status: 200, text: '', headers: { 'webhook-allowed-origin': 'eventgrid.azure.net' } },
  },
  {
    name: 'trello',
    answering: trello({ secret: SECRET, handshake: true }),
    silent: trello({ secret: SECRET }),
    asked: { method: 'HEAD' },
    answer: { status: 200, text: '' },
  },
  {
    name: 'asana',
    answering: asana({ handshake: { keep } }),
    silent: asana({ secret: SECRET }),
    asked: { method: 'POST', headers: { 'x-hook-secret': 'b537207f20cbfa02357cf448134da559' }, body: '{}' },
    answer: { status: 200, text: '', headers: { 'x-hook-secret': 'b537207f20cbfa02357cf448134da559' } },
  },
  {
    name: 'notion',
    answering: notion({ handshake: { keep } }),
    silent: notion({ secret: SECRET }),
    asked: { method: 'POST', body: '{"verification_token":"secret_tMrlL1qK5vuQAh1b6cZGhFChZTSYJlce"}' },
    answer: json({}),
  },
]

test('every provider with such a handshake is tried here', () => {
  const having = providers.filter(({ openHandshakes }) => openHandshakes !== undefined)
  expect(CASES.map(({ name }) => name).toSorted()).toEqual(having.map(({ name }) => name).toSorted())
})

describe.each(Object.entries(SKINS))('over %s', (_, open) => {
  test.each(CASES)(
    'is answered where the source says so, and stored nowhere: $name',
    async ({ answering, asked, answer }) => {
      const { postern, store } = inboxOf(answering)
      const ask = await open(postern)
      expect(await ask(asked)).toMatchObject(answer)
      expect(await store.stat()).toMatchObject({ events: 0 })
      expect((await store.rejected.list({ limit: 10 })).requests).toEqual([])
    },
  )

  test.each(CASES)(
    'is refused where the source says nothing, and its text is nowhere: $name',
    async ({ silent, asked }) => {
      const { postern, store, logged } = inboxOf(silent)
      const ask = await open(postern)
      expect(await ask(asked)).toMatchObject(
        asked.method === 'POST'
          ? NOT_AUTHENTIC
          : { ...NO_METHOD, ...(asked.method === 'HEAD' && { text: expect.any(String) as string }) },
      )
      expect(await store.stat()).toMatchObject({ events: 0 })
      expect((await store.rejected.list({ limit: 10 })).requests).toEqual([])
      const text = Object.values(asked.headers ?? {}).at(-1) ?? asked.body ?? asked.query ?? 'nothing'
      expect(logged()).not.toContain(text)
    },
  )

  test('a source beside one that answers takes POST only', async () => {
    const { postern } = inboxOf(dropbox({ secret: SECRET, handshake: true }), {
      other: stripe({ secret: SECRET }),
    })
    const ask = await open(postern)
    for (const method of ['GET', 'OPTIONS', 'PUT']) {
      expect(await ask({ method, query: '?challenge=1' }, 'other')).toMatchObject(NO_METHOD)
    }
    expect(await ask({ method: 'GET', query: '?challenge=1' }, 'nobody')).toMatchObject({ status: 404 })
    expect(await ask({ method: 'PUT', query: '?challenge=1' })).toMatchObject({
      status: 405,
      headers: { allow: 'POST, GET' },
    })
  })
})

describe('a handshake', () => {
  async function asking(source: Source): Promise<{ readonly ask: Ask } & Inbox> {
    const inbox = inboxOf(source)
    return { ...inbox, ask: await SKINS['Fetch']!(inbox.postern) }
  }

  const metaAsks = (query: string): Asked => ({ method: 'GET', query: `?hub.mode=subscribe&${query}` })

  test.each([
    ['another token', 'hub.challenge=1&hub.verify_token=another', 401],
    ['no token', 'hub.challenge=1', 401],
    ['the token in other letters', `hub.challenge=1&hub.verify_token=${TOKEN.toUpperCase()}`, 401],
    ['the token twice', `hub.challenge=1&hub.verify_token=${TOKEN}&hub.verify_token=${TOKEN}`, 401],
    ['no challenge', `hub.verify_token=${TOKEN}`, 405],
    ['an empty challenge', `hub.challenge=&hub.verify_token=${TOKEN}`, 405],
    ['two challenges', `hub.challenge=1&hub.challenge=2&hub.verify_token=${TOKEN}`, 405],
    ['1,025 characters', `hub.challenge=${'1'.repeat(1025)}&hub.verify_token=${TOKEN}`, 405],
    ['another mode', `hub.challenge=1&hub.verify_token=${TOKEN}&hub.mode=unsubscribe`, 405],
  ])('with %s is not answered', async (_, query, status) => {
    const { ask, logged } = await asking(meta({ secret: SECRET, handshake: { token: TOKEN } }))
    expect(await ask(metaAsks(query))).toMatchObject({ status })
    expect(logged()).not.toContain(TOKEN)
  })

  test('shows either of two tokens, and neither is seen in the source', async () => {
    const source = meta({ secret: SECRET, handshake: { token: ['a new token', TOKEN] } })
    const { ask } = await asking(source)
    for (const token of ['a new token', TOKEN]) {
      const asked = metaAsks(`hub.challenge=1&hub.verify_token=${encodeURIComponent(token)}`)
      expect(await ask(asked)).toMatchObject(plain('1'))
      expect(JSON.stringify(source)).not.toContain(token)
    }
  })

  // The same key signs bodies, under the same prefix: an answer would be a signature for whatever anybody asks.
  test.each(['{"for_user_id":"1"}', '[1]', '{', 'a b', 'é', 'a'.repeat(257), 'a\nb'])(
    'of X has no token signed that could be a body: %j',
    async (token) => {
      const { ask } = await asking(x({ secret: SECRET, handshake: true }))
      const asked = { method: 'GET', query: `?crc_token=${encodeURIComponent(token)}` }
      expect(await ask(asked)).toMatchObject({ status: 405 })
    },
  )

  test('of X is not answered without a secret', async () => {
    const { ask } = await asking(x({ handshake: true }))
    expect(await ask({ method: 'GET', query: '?crc_token=a' })).toMatchObject({ status: 405 })
  })

  test.each([
    ['without the secret', '', 'eventgrid.azure.net'],
    ['with another secret', '?code=another', 'eventgrid.azure.net'],
    ['from another origin', '?code=grid+secret+1234567', 'evil.example.com'],
  ])('of Event Grid is refused %s', async (_, query, origin) => {
    const { ask } = await asking(
      eventgrid({ secret: 'grid secret 1234567', handshake: { origins: ['eventgrid.azure.net'] } }),
    )
    const asked = { method: 'OPTIONS', query, headers: { 'webhook-request-origin': origin } }
    expect(await ask(asked)).toMatchObject(NOT_AUTHENTIC)
  })

  test('puts nothing into a header that is none of its characters', async () => {
    const { ask } = await asking(cloudevents({ secret: SECRET, handshake: true }))
    for (const origin of ['é', 'a b', 'a'.repeat(257)]) {
      const asked = { method: 'OPTIONS', headers: { 'webhook-request-origin': origin } }
      expect(await ask(asked)).toMatchObject({ status: 405 })
    }
  })

  test('in a body of over 16 KiB is none', async () => {
    const { ask } = await asking(notion({ handshake: { keep } }))
    const body = JSON.stringify({ verification_token: 'a', more: 'b'.repeat(16 * 1024) })
    expect(await ask({ method: 'POST', body })).toMatchObject({ status: 503 })
  })
})

describe('a secret that a handshake brings', () => {
  const BODY = '{"events":[]}'
  const brought = (secret: string): Asked => ({ method: 'POST', headers: { 'x-hook-secret': secret } })
  const signedBy = (secret: string): Asked => {
    const { headers } = signRequest(asana({ secret }), { body: BODY, nowMs: NOW_MS })
    return { method: 'POST', headers, body: BODY }
  }

  async function hooked(source: Source): Promise<{ readonly ask: Ask } & Inbox> {
    const inbox = inboxOf(source)
    return { ...inbox, ask: await SKINS['Fetch']!(inbox.postern) }
  }

  test('is kept, and verifies what comes after it', async () => {
    const secrets: string[] = []
    const { ask, logged } = await hooked(
      asana({ handshake: { keep: async (secret) => void secrets.push(secret) } }),
    )
    expect(await ask(signedBy('the first secret'))).toMatchObject({ status: 503 })
    expect(await ask(brought('the-first-secret'))).toMatchObject({ status: 200 })
    expect(secrets).toEqual(['the-first-secret'])
    expect(await ask(signedBy('the-first-secret'))).toMatchObject({ status: 200 })
    expect(await ask(signedBy('another secret'))).toMatchObject(NOT_AUTHENTIC)
    expect(logged()).not.toContain('the-first-secret')
  })

  test('is taken once: a second one is refused, and changes nothing', async () => {
    const secrets: string[] = []
    const { ask } = await hooked(asana({ handshake: { keep: (secret) => void secrets.push(secret) } }))
    await ask(brought('the-first-secret'))
    expect(await ask(brought('a-second-secret'))).toMatchObject(NOT_AUTHENTIC)
    expect(secrets).toEqual(['the-first-secret'])
    expect(await ask(signedBy('a-second-secret'))).toMatchObject(NOT_AUTHENTIC)
    expect(await ask(signedBy('the-first-secret'))).toMatchObject({ status: 200 })
  })

  test('is not taken by a source that has one', async () => {
    const { ask } = await hooked(asana({ secret: SECRET, handshake: { keep } }))
    expect(await ask(brought('a-second-secret'))).toMatchObject(NOT_AUTHENTIC)
    expect(await ask(signedBy('a-second-secret'))).toMatchObject(NOT_AUTHENTIC)
  })

  test('is taken beside others where the source says so, and each verifies by its own index', async () => {
    const { ask, store } = await hooked(asana({ secret: SECRET, handshake: { keep, keepMore: true } }))
    expect(await ask(brought('a-second-secret'))).toMatchObject({ status: 200 })
    expect(await ask(brought('a-third-secret-1'))).toMatchObject({ status: 200 })
    expect(await ask(signedBy('a-third-secret-1'))).toMatchObject({ status: 200 })
    expect(await ask(signedBy(SECRET))).toMatchObject({ status: 200 })
    // One entry for each secret that has matched; nothing was signed by the second.
    expect(await store.state.list('secret-matched/own/')).toHaveLength(2)
  })

  test('of two that come at once is the first one', async () => {
    let go = (): void => {}
    const waiting = new Promise<void>((resolve) => (go = resolve))
    const { ask } = await hooked(asana({ handshake: { keep: () => waiting } }))
    const first = ask(brought('the-first-secret'))
    expect(await ask(brought('a-second-secret'))).toMatchObject(NOT_AUTHENTIC)
    go()
    expect(await first).toMatchObject({ status: 200 })
    expect(await ask(signedBy('the-first-secret'))).toMatchObject({ status: 200 })
  })

  test('that is not kept in time has its sender come again and holds up no stop, and counts once it is kept', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    let go = (): void => {}
    const waiting = new Promise<void>((resolve) => (go = resolve))
    const { ask, postern } = await hooked(asana({ handshake: { keep: () => waiting } }))
    const first = ask(brought('the-first-secret'))
    await vi.advanceTimersByTimeAsync(9000)
    expect(await first).toMatchObject({ status: 503 })
    expect(await ask(brought('a-second-secret'))).toMatchObject(NOT_AUTHENTIC)
    go()
    await vi.advanceTimersByTimeAsync(0)
    expect(await ask(signedBy('the-first-secret'))).toMatchObject({ status: 200 })
    await postern.stop()
  })

  test('that cannot be kept is not in use, and its sender is told to come again', async () => {
    const { ask, logged } = await hooked(
      asana({ handshake: { keep: () => Promise.reject(new Error('no disk')) } }),
    )
    expect(await ask(brought('the-first-secret'))).toMatchObject({ status: 503 })
    expect(await ask(signedBy('the-first-secret'))).toMatchObject({ status: 503 })
    expect(logged()).not.toContain('the-first-secret')
  })

  test('has somebody to keep it, or the inbox is refused', () => {
    expect(() => createPostern({ store: memory(), sources: { own: asana({ handshake: true }) } })).toThrow(
      /sources\.own: its handshake brings a secret, and nobody keeps it/,
    )
  })
})

describe('the option', () => {
  // Whatever a caller without a compiler has put there.
  const untyped = (make: (options: never) => Source, options: object): (() => Source) => {
    return () => make(options as never)
  }

  test.each([
    ['for a provider without any', untyped(stripe, { handshake: true }), /unknown option 'handshake'/],
    ['without its token', untyped(meta, { handshake: true }), /needs a token/],
    ['with a blank token', untyped(meta, { handshake: { token: ' ' } }), /needs a token/],
    ['with a token of no use', untyped(dropbox, { handshake: { token: 'a' } }), /its provider sends none/],
    ['with origins of no use', untyped(okta, { handshake: { origins: [] } }), /its provider names none/],
    ['with nothing to keep', untyped(x, { handshake: { keep } }), /its provider brings no secret/],
    ['with more of nothing', untyped(x, { handshake: { keepMore: true } }), /brings no secret/],
    ['with what nobody knows', untyped(x, { handshake: { tokens: 'a' } }), /unknown option, 'tokens'/],
  ])('is refused %s', (_, make, message) => {
    expect(make).toThrow(message)
  })

  test('is off where it is absent or false', () => {
    for (const source of [dropbox(), dropbox({ handshake: false }), meta({ handshake: false })]) {
      expect(source.handshake).toBeUndefined()
    }
  })

  test('is never on in a source that was made of data alone', () => {
    const made = providers.map((provider) => defineAnySource(provider, {}, { jose }).handshake)
    expect(made.filter((handshake) => handshake !== undefined)).toEqual([])
  })
})
