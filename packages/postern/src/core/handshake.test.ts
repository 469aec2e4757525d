import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { handshakeAnswer, type HandshakeAnswer } from './handshake.ts'
import type { Handshake, HandshakeMember, HandshakeReply } from './provider.ts'
import type { WebhookRequest } from './request.ts'
import type { SignatureScheme } from './scheme.ts'
import { defineSource, type Source } from './source.ts'

const SECRET = 'a signing secret, long enough'
const OLD = 'the signing secret before it'
const OTHER = 'the secret of another scheme'

const scheme: SignatureScheme = {
  name: 'body',
  algorithm: 'hmac-sha256',
  key: { as: 'utf8' },
  signature: { in: [{ header: 'x-signature' }], encoding: 'hex' },
  content: ['body'],
}

const isPing = { in: { json: ['type'] }, equals: 'ping' } as const

function sourceOf(...handshakes: readonly Handshake[]): Source {
  const schemes = [scheme, { ...scheme, name: 'other', verifiedBy: 'other' }]
  return defineSource(
    { name: 'own', title: 'Own', schemes, envelopes: [], handshakes },
    { secret: [SECRET, OLD], otherSecrets: { other: OTHER } },
  )
}

function request(body: unknown, headers: readonly string[] = []): WebhookRequest {
  return { method: 'POST', url: '/', headers, body: Buffer.from(JSON.stringify(body)) }
}

/** The answer to a request that was verified, by default by the newest secret of the first scheme. */
function answered(
  handshakes: readonly Handshake[],
  to: WebhookRequest,
  { by = 'body', secretIndex = 0 } = {},
): HandshakeAnswer | undefined {
  return handshakeAnswer(sourceOf(...handshakes), { request: to, scheme: by, secretIndex })
}

/** What a reply makes of a handshake's body. */
function replied(
  reply: HandshakeReply,
  body: object = {},
  headers: readonly string[] = [],
): HandshakeAnswer | undefined {
  return answered([{ name: 'shake', when: isPing, reply }], request({ type: 'ping', ...body }, headers))
}

function hmacBy(key: string, text: string, encoding: 'hex' | 'base64' = 'hex'): string {
  return createHmac('sha256', key).update(text).digest(encoding)
}

describe('a handshake that its sender signs', () => {
  const pong = { status: 204 } as const
  const ping: Handshake = { name: 'ping', when: isPing, reply: pong }
  const answer = { name: 'ping', kind: 'empty', status: 204, headers: {} }

  it('is told by the text at its place', () => {
    expect(answered([ping], request({ type: 'ping' }))).toEqual(answer)
    expect(answered([ping], request({ type: 'pong' }))).toBeUndefined()
    expect(answered([ping], request({}))).toBeUndefined()
  })

  it('is none where anything stands at the place that has to be empty', () => {
    const unless: Handshake = { ...ping, when: { ...isPing, unless: { header: 'x-event' } } }
    const body = { type: 'ping' }
    expect(answered([unless], request(body))).toEqual(answer)
    expect(answered([unless], request(body, ['x-event', 'e']))).toBeUndefined()
    expect(answered([unless], request(body, ['x-event', '']))).toBeUndefined()
    expect(answered([unless], request(body, ['x-event', 'e', 'x-event', 'e']))).toBeUndefined()
  })

  it('is none of a provider without any', () => {
    const none = defineSource({ name: 'own', title: 'Own', schemes: [scheme], envelopes: [] })
    const verified = { request: request({ type: 'ping' }), scheme: 'body', secretIndex: 0 }
    expect(handshakeAnswer(none, verified)).toBeUndefined()
    expect(answered([], request({ type: 'ping' }))).toBeUndefined()
  })

  it('is the first of those that are meant and have all that they are answered with', () => {
    const named = (name: string, reply: HandshakeReply, equals = 'ping'): Handshake => ({
      name,
      when: { ...isPing, equals },
      reply,
    })
    const list = [
      named('another', pong, 'pong'),
      named('challenged', { text: { json: ['challenge'] } }),
      named('plain', pong),
      named('late', pong),
    ]
    expect(answered(list, request({ type: 'ping' }))?.name).toBe('plain')
    expect(answered(list, request({ type: 'ping', challenge: 'c' }))?.name).toBe('challenged')
    expect(answered(list, request({ type: 'pong' }))?.name).toBe('another')
  })
})

describe('a challenge', () => {
  const reply = { text: { json: ['challenge'] } }

  it.each([
    ['a text', 'a challenge', 'a challenge'],
    ['one character', 'a', 'a'],
    ['a whole number', 12, '12'],
    ['1,024 characters', 'c'.repeat(1024), 'c'.repeat(1024)],
  ])('is sent back as text: %s', (_, challenge, text) => {
    expect(replied(reply, { challenge })).toEqual({ name: 'shake', kind: 'text', text })
  })

  it.each([
    ['absent', undefined],
    ['empty', ''],
    ['null', null],
    ['an object', { a: 'b' }],
    ['of 1,025 characters', 'c'.repeat(1025)],
  ])('that is %s makes it no handshake', (_, challenge) => {
    expect(replied(reply, { challenge })).toBeUndefined()
  })

  it('in a header that came twice makes it no handshake', () => {
    const byHeader = { text: { header: 'x-challenge' } }
    expect(replied(byHeader, {}, ['x-challenge', 'c'])).toMatchObject({ text: 'c' })
    expect(replied(byHeader, {}, ['x-challenge', 'c', 'x-challenge', 'c'])).toBeUndefined()
  })
})

describe('a reply without a body', () => {
  it.each([200, 204] as const)('has the status that the provider wants: %i', (status) => {
    expect(replied({ status })).toEqual({ name: 'shake', kind: 'empty', status, headers: {} })
  })

  const reply = { headers: { 'x-rate': '*', 'x-allowed': { json: ['origin'] } } }

  it('has headers, each with a text of its own or with what stands at a place', () => {
    expect(replied(reply, { origin: 'sender.example' })).toEqual({
      name: 'shake',
      kind: 'empty',
      status: 200,
      headers: { 'x-rate': '*', 'x-allowed': 'sender.example' },
    })
  })

  it.each(['!', '~', '!~', 'a'.repeat(256)])('puts visible ASCII into a header: %j', (origin) => {
    expect(replied(reply, { origin })).toMatchObject({ headers: { 'x-allowed': origin } })
  })

  it.each([undefined, '', ' ', 'a b', ' a', 'a ', 'é', 'aé', 'éa', '\x7f', 'a\r\nb', 'a\n', 'a'.repeat(257)])(
    'puts nothing else into one: %j',
    (origin) => {
      expect(replied(reply, { origin })).toBeUndefined()
    },
  )

  it('has no header that is empty', () => {
    expect(replied({ headers: { 'x-rate': '' } })).toBeUndefined()
  })
})

describe('a reply in JSON', () => {
  it('has numbers as they are, and what stands at places', () => {
    const json = { type: 1, echo: { json: ['challenge'] } }
    expect(replied({ json }, { challenge: 'c' })).toEqual({
      name: 'shake',
      kind: 'json',
      json: { type: 1, echo: 'c' },
    })
    expect(replied({ json })).toBeUndefined()
    expect(replied({ json: {} })).toEqual({ name: 'shake', kind: 'json', json: {} })
  })

  const token = { json: ['token'] }
  const signedReply = (member: HandshakeMember): HandshakeReply => ({ json: { proof: member } })

  it.each([
    ['in hexadecimal', { hmac: token, encoding: 'hex' }, hmacBy(SECRET, 'Abc_9')],
    ['in Base64', { hmac: token, encoding: 'base64' }, hmacBy(SECRET, 'Abc_9', 'base64')],
    [
      'behind a prefix',
      { hmac: token, encoding: 'hex', prefix: 'sha256=' },
      `sha256=${hmacBy(SECRET, 'Abc_9')}`,
    ],
  ] as const)('has the HMAC of a token %s', (_, member, proof) => {
    expect(replied(signedReply(member), { token: 'Abc_9' })).toMatchObject({ json: { proof } })
  })

  // An answer is a signature by the key that signs bodies: of what could be a body there is none.
  it.each(['a', '0Az_+/=.~-', 't'.repeat(256)])('signs a token: %j', (text) => {
    expect(replied(signedReply({ hmac: token, encoding: 'hex' }), { token: text })).toMatchObject({
      json: { proof: hmacBy(SECRET, text) },
    })
  })

  it.each([undefined, '', '{}', '{', 'a{', '[1]', 'a b', ' a', 'a ', 'a\n', '"a"', 'é', 't'.repeat(257)])(
    'signs nothing else: %j',
    (text) => {
      expect(replied(signedReply({ hmac: token, encoding: 'hex' }), { token: text })).toBeUndefined()
    },
  )

  describe('is signed by the key that verified the request', () => {
    const handshakes = [{ name: 'shake', when: isPing, reply: signedReply({ hmac: token, encoding: 'hex' }) }]
    const asked = request({ type: 'ping', token: 'abc' })

    it.each([
      ['the newest secret', { by: 'body', secretIndex: 0 }, SECRET],
      ['the secret before it', { by: 'body', secretIndex: 1 }, OLD],
      ["another scheme's", { by: 'other', secretIndex: 0 }, OTHER],
    ])('%s', (_, by, key) => {
      expect(answered(handshakes, asked, by)).toMatchObject({ json: { proof: hmacBy(key, 'abc') } })
    })

    it.each([
      ['several schemes, of which none alone did it', { by: 'body+other', secretIndex: 0 }],
      ['a secret that is no longer there', { by: 'body', secretIndex: 2 }],
    ])('and by none where that was %s', (_, by) => {
      expect(answered(handshakes, asked, by)).toBeUndefined()
    })
  })
})

describe('a reply that is a visit', () => {
  const reply = { visit: { json: ['address'] }, hosts: 'confirm\\.sender\\.example', paths: '/c' }

  it('names the address, query included, where it is a pinned one', () => {
    const address = 'https://confirm.sender.example/c?Token=a'
    expect(replied(reply, { address })).toEqual({ name: 'shake', kind: 'visit', url: address })
  })

  it.each([
    undefined,
    '',
    'https://confirm.sender.example.evil.example/c',
    'https://confirm.sender.example/d',
    'http://confirm.sender.example/c',
  ])('names no other: %j', (address) => {
    expect(replied(reply, { address })).toBeUndefined()
  })

  it('names none of a header that came twice', () => {
    const address = 'https://confirm.sender.example/c'
    const byHeader = { ...reply, visit: { header: 'x-address' } }
    expect(replied(byHeader, {}, ['x-address', address])).toMatchObject({ url: address })
    expect(replied(byHeader, {}, ['x-address', address, 'x-address', address])).toBeUndefined()
  })
})
