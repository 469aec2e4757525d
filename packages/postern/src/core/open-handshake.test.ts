import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { answeringHandshakes } from './answering-handshakes.ts'
import { isUnansweredHandshake, methodsOf, openHandshake, type OpenHandshakeVerdict } from './handshake.ts'
import { Keyring } from './keyring.ts'
import { isToken, type HandshakeOptions } from './open-handshake.ts'
import type { OpenHandshake } from './provider.ts'
import type { WebhookRequest } from './request.ts'
import type { SignatureScheme } from './scheme.ts'
import type { Secret } from './source-options.ts'
import { defineSource, type Source } from './source.ts'

const SECRET = 'a signing secret, long enough'
const OLD = 'the signing secret before it'
const NOW_MS = 1_772_490_001_000
const MOST_BYTES = 16 * 1024

const scheme: SignatureScheme = {
  name: 'body',
  algorithm: 'hmac-sha256',
  key: { as: 'utf8' },
  signature: { in: [{ header: 'x-signature' }], encoding: 'hex' },
  timestamp: { in: { header: 'x-timestamp' }, unit: 'seconds' },
  content: ['timestamp', 'body'],
}

/** A question by GET that is answered with its challenge. */
const asking: OpenHandshake = {
  name: 'ask',
  method: 'GET',
  when: [{ in: { query: 'challenge' } }],
  reply: { text: { query: 'challenge' } },
}

function silent(rules: readonly OpenHandshake[] | undefined, secret: Secret = [SECRET, OLD]): Source {
  const provider = { name: 'own', title: 'Own', schemes: [scheme], envelopes: [] }
  return defineSource({ ...provider, ...(rules && { openHandshakes: rules }) }, { secret })
}

function answering(
  rules: readonly OpenHandshake[],
  options: HandshakeOptions | true = true,
  secret?: Secret,
): Source {
  return answeringHandshakes(silent(rules, secret), options)
}

function request(parts: Partial<WebhookRequest> & { readonly query?: string } = {}): WebhookRequest {
  const { query = '', ...others } = parts
  return { method: 'GET', url: `/webhooks/own${query}`, headers: [], body: Buffer.of(), ...others }
}

function shaken(source: Source, parts?: Parameters<typeof request>[0]): OpenHandshakeVerdict | undefined {
  return openHandshake(source, request(parts), NOW_MS)
}

const refused = (reason: string): object => ({ ok: false, reason })
const echoed = (text: string, name = 'ask'): object => ({
  ok: true,
  answer: { name, kind: 'text', text },
  secret: undefined,
})

describe('a handshake that nothing signs', () => {
  it('is answered where its source says so', () => {
    expect(shaken(answering([asking]), { query: '?challenge=c' })).toEqual(echoed('c'))
    expect(shaken(silent([asking]), { query: '?challenge=c' })).toBeUndefined()
  })

  it('is one of its method only', () => {
    expect(shaken(answering([asking]), { query: '?challenge=c', method: 'POST' })).toBeUndefined()
  })

  it('has all that it is told by: these texts, and at other places any', () => {
    const when = [{ in: { query: 'mode' }, equals: 'subscribe' }, { in: { query: 'challenge' } }]
    const source = answering([{ ...asking, when }])
    expect(shaken(source, { query: '?mode=subscribe&challenge=c' })).toEqual(echoed('c'))
    for (const query of [
      '',
      '?challenge=c',
      '?mode=&challenge=c',
      '?mode=unsubscribe&challenge=c',
      '?mode=subscribe',
      '?mode=subscribe&mode=subscribe&challenge=c',
      '?mode=subscribe&challenge=c&challenge=c',
    ]) {
      expect([query, shaken(source, { query })]).toEqual([query, undefined])
    }
  })

  it('may be told by its method alone', () => {
    const head: OpenHandshake = { name: 'head', method: 'HEAD', when: [], reply: { status: 200 } }
    const source = answering([asking, head])
    expect(shaken(source, { method: 'HEAD' })).toMatchObject({ ok: true, answer: { name: 'head' } })
    expect(shaken(source, { method: 'GET' })).toBeUndefined()
  })

  it('is told by an empty text too, which is no challenge', () => {
    const plain: OpenHandshake = { ...asking, name: 'plain', reply: { status: 200 } }
    expect(shaken(answering([plain]), { query: '?challenge=' })).toMatchObject({ ok: true })
    expect(shaken(answering([asking]), { query: '?challenge=' })).toBeUndefined()
  })

  it('is the first that has all that it is answered with', () => {
    const named: OpenHandshake = { ...asking, name: 'named', reply: { text: { query: 'name' } } }
    const source = answering([named, asking])
    expect(shaken(source, { query: '?challenge=c&name=n' })).toEqual(echoed('n', 'named'))
    expect(shaken(source, { query: '?challenge=c' })).toEqual(echoed('c'))
  })

  it('has a body of 16 KiB at most', () => {
    const source = answering([asking])
    const query = '?challenge=c'
    expect(shaken(source, { query, body: new Uint8Array(MOST_BYTES) })).toEqual(echoed('c'))
    expect(shaken(source, { query, body: new Uint8Array(MOST_BYTES + 1) })).toBeUndefined()
  })

  it('is answered by the newest key, since there is no signature to tell another by', () => {
    const hmac: OpenHandshake = {
      ...asking,
      reply: { json: { proof: { hmac: { query: 'challenge' }, encoding: 'hex' } } },
    }
    const proof = createHmac('sha256', SECRET).update('c').digest('hex')
    expect(shaken(answering([hmac]), { query: '?challenge=c' })).toMatchObject({
      answer: { json: { proof } },
    })
    expect(shaken(answering([hmac], true, []), { query: '?challenge=c' })).toBeUndefined()
    const { schemes: _, ...others } = answering([hmac])
    expect(shaken({ ...others, schemes: [] }, { query: '?challenge=c' })).toBeUndefined()
  })
})

describe('a token', () => {
  const source = answering([{ ...asking, token: { query: 'token' } }], {
    token: ['the new töken', 'the old one'],
  })

  it.each(['the new töken', 'the old one'])('has to be one of those given: %s', (token) => {
    const query = `?challenge=c&token=${encodeURIComponent(token)}`
    expect(shaken(source, { query })).toEqual(echoed('c'))
  })

  it.each([
    ['another one', '&token=another', 'secret_mismatch'],
    ['in other letters', '&token=THE+OLD+ONE', 'secret_mismatch'],
    ['an empty one', '&token=', 'secret_mismatch'],
    ['none', '', 'missing_secret'],
    ['one twice', '&token=the+old+one&token=the+old+one', 'missing_secret'],
  ])('is refused where there is %s', (_, query, reason) => {
    expect(shaken(source, { query: `?challenge=c${query}` })).toEqual(refused(reason))
  })

  it('is none of no tokens', () => {
    expect(isToken(undefined, '')).toBe(false)
    expect(isToken(new Keyring([], { as: 'utf8' }), '')).toBe(false)
    expect(isToken(new Keyring(['a'], { as: 'utf8' }), 'a')).toBe(true)
  })
})

describe('an origin', () => {
  const rule: OpenHandshake = { ...asking, origin: { header: 'x-origin' } }
  const from = (...origin: readonly string[]): Parameters<typeof request>[0] => ({
    query: '?challenge=c',
    headers: origin.flatMap((each) => ['X-Origin', each]),
  })

  it('has to be one of those that are allowed', () => {
    const source = answering([rule], { origins: ['a.example', 'b.example'] })
    expect(shaken(source, from('a.example'))).toEqual(echoed('c'))
    expect(shaken(source, from('b.example'))).toEqual(echoed('c'))
    for (const origins of [['c.example'], ['A.example'], [''], [], ['a.example', 'a.example']]) {
      expect([origins, shaken(source, from(...origins))]).toEqual([origins, refused('secret_mismatch')])
    }
  })

  it('may be any where none are named, and none where that list is empty', () => {
    expect(shaken(answering([rule]), from('a.example'))).toEqual(echoed('c'))
    expect(shaken(answering([rule], { origins: [] }), from('a.example'))).toEqual(refused('secret_mismatch'))
  })

  it('is asked of those handshakes only that have a place for it', () => {
    const source = answering([asking, { ...rule, method: 'OPTIONS' }], { origins: ['a.example'] })
    expect(shaken(source, from())).toEqual(echoed('c'))
  })
})

describe('a handshake that has to carry what authenticates an event', () => {
  const source = answering([{ ...asking, isAuthenticated: true }])
  const signedAt = (timestampMs: number, secret: string): Parameters<typeof request>[0] => {
    const timestamp = String(timestampMs / 1000)
    const signature = createHmac('sha256', secret).update(timestamp).digest('hex')
    return { query: '?challenge=c', headers: ['x-timestamp', timestamp, 'x-signature', signature] }
  }

  it.each([SECRET, OLD])('is answered where it does: %s', (secret) => {
    expect(shaken(source, signedAt(NOW_MS, secret))).toEqual(echoed('c'))
  })

  it('is refused as an event would be', () => {
    expect(shaken(source, { query: '?challenge=c' })).toEqual(refused('missing_header'))
    expect(shaken(source, signedAt(NOW_MS, 'another secret'))).toEqual(refused('signature_mismatch'))
    expect(shaken(source, signedAt(NOW_MS - 301_000, SECRET))).toEqual(refused('stale'))
    const without = answering([{ ...asking, isAuthenticated: true }], true, [])
    expect(shaken(without, signedAt(NOW_MS, SECRET))).toEqual(refused('no_secret'))
  })
})

describe('a secret that a handshake brings', () => {
  const bringing: OpenHandshake = {
    name: 'bring',
    method: 'POST',
    when: [{ in: { json: ['secret'] } }],
    secret: { json: ['secret'] },
    reply: { json: {} },
  }
  const brought = (body: object): OpenHandshakeVerdict | undefined =>
    shaken(answering([bringing]), { method: 'POST', body: Buffer.from(JSON.stringify(body)) })

  it.each([
    ['one character', 's'],
    ['1,024 characters', 's'.repeat(1024)],
  ])('is told with the answer: %s', (_, secret) => {
    expect(brought({ secret })).toEqual({
      ok: true,
      answer: { name: 'bring', kind: 'json', json: {} },
      secret,
    })
  })

  // An answer would tell the sender that the secret is in use.
  it.each([
    ['no character', ''],
    ['1,025 characters', 's'.repeat(1025)],
  ])('makes it no handshake where it cannot be kept: %s', (_, secret) => {
    expect(brought({ secret })).toBeUndefined()
  })
})

describe('a handshake that its source does not answer', () => {
  const head: OpenHandshake = { name: 'head', method: 'HEAD', when: [], reply: { status: 200 } }
  const unanswered = (source: Source, parts: Parameters<typeof request>[0]): boolean =>
    isUnansweredHandshake(source, request(parts))

  it('is known as one all the same', () => {
    expect(unanswered(silent([asking, head]), { query: '?challenge=c' })).toBe(true)
    expect(unanswered(silent([asking, head]), { method: 'HEAD' })).toBe(true)
  })

  it.each([
    ['of another method', { query: '?challenge=c', method: 'POST' }],
    ['without what it is told by', { query: '?other=c' }],
    ['with a body of over 16 KiB', { query: '?challenge=c', body: new Uint8Array(MOST_BYTES + 1) }],
  ])('is none %s', (_, parts) => {
    expect(unanswered(silent([asking, head]), parts)).toBe(false)
  })

  it('may have 16 KiB', () => {
    const parts = { query: '?challenge=c', body: new Uint8Array(MOST_BYTES) }
    expect(unanswered(silent([asking]), parts)).toBe(true)
  })

  it('is none where the source answers, or its provider has none', () => {
    expect(unanswered(answering([asking]), { query: '?challenge=c' })).toBe(false)
    expect(unanswered(silent(undefined), { query: '?challenge=c' })).toBe(false)
  })
})

describe('the methods that a source takes', () => {
  it('are POST, and those of the handshakes that it answers', () => {
    const options: OpenHandshake = { name: 'options', method: 'OPTIONS', when: [], reply: { status: 200 } }
    expect(methodsOf(silent([asking]))).toEqual(['POST'])
    expect(methodsOf(answering([asking, options]))).toEqual(['POST', 'GET', 'OPTIONS'])
  })
})
