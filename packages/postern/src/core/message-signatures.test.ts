/**
 * What a message signature must have to be accepted (RFC 9421 §3.2), and why it is refused. Every base that is signed here is
 * written out by hand and signed by `node:crypto`; the RFC's own examples are in `vectors/http-message-signatures.json`.
 */
import { createHash, createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { CheckResult } from './check.ts'
import { messageSignatures } from './message-signature-method.ts'
import type { MessageSignatureScheme, Place } from './scheme.ts'

const NOW_MS = Date.UTC(2026, 2, 2, 22, 20, 1)
const NOW = NOW_MS / 1000
const BODY = Buffer.from('{"id":"1"}')
const DIGEST = `sha-256=:${createHash('sha256').update(BODY).digest('base64')}:`

const METHOD_ONLY: MessageSignatureScheme = {
  name: 'signed',
  algorithm: 'http-message-signature',
  signedWith: 'hmac-sha256',
  key: { as: 'utf8' },
  components: ['@method'],
  timestamp: { toleranceSeconds: 300 },
}

type Headers = readonly string[]

interface Wishes {
  readonly scheme?: Partial<MessageSignatureScheme>
  readonly secrets?: readonly string[]
  readonly nowMs?: number
  readonly toleranceSeconds?: number
  readonly body?: Uint8Array
}

/** Of one label what stands in each of the two headers. */
interface Signed {
  readonly input: string
  readonly signature: string
}

/** Signs what the lines say of the components before it. */
function signed(input: string, lines = '"@method": POST\n', secret = 'secret'): Signed {
  const base = `${lines}"@signature-params": ${input}`
  return { input, signature: `:${createHmac('sha256', secret).update(base).digest('base64')}:` }
}

const GOOD = signed(`("@method");created=${NOW}`)

function headersOf(labels: Readonly<Record<string, Partial<Signed>>>): Headers {
  const text = (of: keyof Signed): string =>
    Object.entries(labels)
      .flatMap(([label, each]) => (each[of] === undefined ? [] : [`${label}=${each[of]}`]))
      .join(', ')
  return ['Signature-Input', text('input'), 'Signature', text('signature')]
}

function arrive(headers: Headers, wishes: Wishes = {}): CheckResult {
  const { scheme, secrets = ['secret'], nowMs = NOW_MS, toleranceSeconds, body = BODY } = wishes
  const own = { ...METHOD_ONLY, ...scheme }
  const keys = messageSignatures.keyring(secrets, own)
  const request = { method: 'POST', url: '/hooks', headers, body }
  return messageSignatures.check(own, keys, request, { nowMs, toleranceSeconds })
}

const accepted = (secretIndex = 0): CheckResult => ({ ok: true, secretIndex })
const refused = (reason: string): unknown => ({ ok: false, reason })

describe('the headers of a signature', () => {
  const [, input = '', , signature = ''] = headersOf({ a: GOOD })

  it('are two, each of them once', () => {
    expect(arrive(['signature-input', input, 'signature', signature])).toEqual(accepted())
    expect(arrive([])).toEqual(refused('missing_header'))
    expect(arrive(['signature', signature])).toEqual(refused('missing_header'))
    expect(arrive(['signature-input', input])).toEqual(refused('missing_header'))
    const both = ['signature-input', input, 'signature', signature]
    expect(arrive([...both, 'signature-input', input])).toEqual(refused('duplicate_header'))
    expect(arrive([...both, 'signature', signature])).toEqual(refused('duplicate_header'))
    expect(arrive(['signature', signature, 'signature', signature])).toEqual(refused('missing_header'))
  })

  it('are 4096 characters long at most', () => {
    const longest = (text: string, room: number): string =>
      `${text};p="${'a'.repeat(room - text.length - 5)}"`
    const long = signed(longest(`("@method");created=${NOW}`, 4096 - 'a='.length))
    expect(arrive(headersOf({ a: long }))).toEqual(accepted())
    const longer = signed(longest(`("@method");created=${NOW}`, 4097 - 'a='.length))
    expect(arrive(headersOf({ a: longer }))).toEqual(refused('malformed_header'))
    const at = (room: number): Headers => ['signature-input', input, 'signature', longest(signature, room)]
    expect(arrive(at(4096))).toEqual(accepted())
    expect(arrive(at(4097))).toEqual(refused('malformed_header'))
  })

  it.each<readonly [string, string]>([
    ['a', signature],
    ['a=(', signature],
    ['é', signature],
    [input, 'a=:A'],
    [input, 'é'],
    // An item where a list has to be, and the other way round.
    ['a=1;created=1', signature],
    ['a="(\\"@method\\")"', signature],
    [input, 'a'],
    [input, 'a="AAAA"'],
    [input, 'a=AAAA'],
    [input, 'a=(:AAAA:)'],
    [input, 'b=:AAAA:'],
    [input, ''],
  ])('have another form where they are %j and %j', (inputs, signatures) => {
    expect(arrive(['signature-input', inputs, 'signature', signatures])).toEqual(refused('malformed_header'))
  })

  it('may hold no signature at all, which is none', () => {
    expect(arrive(['signature-input', '', 'signature', ''])).toEqual(refused('missing_header'))
    expect(arrive(['signature-input', '', 'signature', signature])).toEqual(refused('missing_header'))
  })

  it('are not read without a secret, or without what else the scheme requires', () => {
    const both = headersOf({ a: GOOD })
    expect(arrive(both, { secrets: [] })).toEqual(refused('no_secret'))
    const scheme = { required: { 'x-version': '1' } }
    expect(arrive(both, { scheme })).toEqual(refused('missing_header'))
    expect(arrive([...both, 'x-version', '2'], { scheme })).toEqual(refused('malformed_header'))
    expect(arrive([...both, 'X-Version', '1'], { scheme })).toEqual(accepted())
  })
})

describe('of several signatures', () => {
  const forged = { ...GOOD, signature: ':AAAA:' }
  const uncovered = signed(`();created=${NOW}`, '')
  const untimed = signed('("@method")')
  const noList = { input: '1', signature: ':AAAA:' }

  it('one is enough, wherever it stands', () => {
    expect(arrive(headersOf({ a: GOOD, b: forged }))).toEqual(accepted())
    expect(arrive(headersOf({ a: forged, b: GOOD }))).toEqual(accepted())
    expect(arrive(headersOf({ a: noList, b: untimed, c: GOOD }))).toEqual(accepted())
    expect(arrive(headersOf({ a: GOOD, b: { signature: '1' } }))).toEqual(accepted())
  })

  it('that are all refused, the reason is that of the one that got furthest', () => {
    expect(arrive(headersOf({ a: forged, b: noList }))).toEqual(refused('signature_mismatch'))
    expect(arrive(headersOf({ a: noList, b: forged }))).toEqual(refused('signature_mismatch'))
    expect(arrive(headersOf({ a: uncovered, b: forged, c: untimed }))).toEqual(refused('signature_mismatch'))
    expect(arrive(headersOf({ a: uncovered, b: untimed }))).toEqual(refused('not_covered'))
    expect(arrive(headersOf({ a: noList, b: untimed }))).toEqual(refused('malformed_header'))
    expect(arrive(headersOf({ a: untimed }))).toEqual(refused('missing_header'))
  })

  it('eight are tried, and more are refused', () => {
    const seven = Object.fromEntries(Array.from({ length: 7 }, (_, at) => [`s${at}`, forged]))
    expect(arrive(headersOf({ ...seven, a: GOOD }))).toEqual(accepted())
    expect(arrive(headersOf({ ...seven, a: GOOD, b: forged }))).toEqual(refused('malformed_header'))
    expect(arrive(headersOf({ ...seven, a: GOOD, b: { signature: ':AAAA:' } }))).toEqual(accepted())
  })
})

describe('a signature', () => {
  const arriveAs = (input: string, wishes: Wishes = {}, lines?: string): CheckResult =>
    arrive(headersOf({ a: signed(input, lines) }), wishes)

  it('is by one of the keys: the first that fits', () => {
    const headers = headersOf({ a: GOOD })
    expect(arrive(headers, { secrets: ['other', 'secret'] })).toEqual(accepted(1))
    expect(arrive(headers, { secrets: ['secret', 'other'] })).toEqual(accepted(0))
    expect(arrive(headers, { secrets: ['other', 'secret', 'secret'] })).toEqual(accepted(1))
    expect(arrive(headers, { secrets: ['other'] })).toEqual(refused('signature_mismatch'))
  })

  it('covers all that is required, as it is, and may cover more', () => {
    const scheme = { components: ['@method', '@path'] }
    const lines = '"@path": /hooks\n"@query": ?\n"@method": POST\n'
    expect(arriveAs(`("@path" "@query" "@method");created=${NOW}`, { scheme }, lines)).toEqual(accepted())
    expect(arriveAs(`("@method");created=${NOW}`, { scheme })).toEqual(refused('not_covered'))
    expect(arriveAs(`();created=${NOW}`, { scheme: { components: [] } }, '')).toEqual(accepted())
    // Neither a part of it, nor a word of the same letters, is the component.
    const required = { scheme: { components: ['content-digest'] } }
    for (const other of ['"content-digest";key="sha-256"', '"content-digest";bs', 'content-digest']) {
      expect(arriveAs(`(${other});created=${NOW}`, required)).toEqual(refused('not_covered'))
    }
  })

  it('covers nothing that is not there', () => {
    expect(arriveAs(`("@method" "absent");created=${NOW}`)).toEqual(refused('missing_content'))
  })

  it('may name the algorithm, which has to be the receiver’s', () => {
    expect(arriveAs(`("@method");created=${NOW};alg="hmac-sha256"`)).toEqual(accepted())
    for (const alg of ['"ed25519"', '"HMAC-SHA256"', '""', 'hmac-sha256', '?1', '1']) {
      expect(arriveAs(`("@method");created=${NOW};alg=${alg}`)).toEqual(refused('malformed_header'))
    }
  })

  it('has the receiver’s tag, where that has one', () => {
    const scheme = { tag: 'hooks' }
    expect(arriveAs(`("@method");created=${NOW};tag="hooks"`, { scheme })).toEqual(accepted())
    expect(arriveAs(`("@method");created=${NOW};tag="other"`)).toEqual(accepted())
    expect(arriveAs(`("@method");created=${NOW}`, { scheme })).toEqual(refused('malformed_header'))
    for (const tag of ['"other"', 'hooks', '?1']) {
      expect(arriveAs(`("@method");created=${NOW};tag=${tag}`, { scheme })).toEqual(
        refused('malformed_header'),
      )
    }
  })

  it('says when it was made, in whole seconds, and may say when it ends', () => {
    expect(arriveAs('("@method")')).toEqual(refused('missing_header'))
    expect(arriveAs(`("@method");expires=${NOW}`)).toEqual(refused('missing_header'))
    for (const time of [`"${NOW}"`, `${NOW}.0`, `@${NOW}`, '?1']) {
      expect(arriveAs(`("@method");created=${time}`)).toEqual(refused('malformed_timestamp'))
      expect(arriveAs(`("@method");created=${NOW};expires=${time}`)).toEqual(refused('malformed_timestamp'))
    }
  })

  it('is fresh within the tolerance: the source’s, and else the scheme’s', () => {
    const made = (created: number): string => `("@method");created=${created}`
    expect(arriveAs(made(NOW - 300))).toEqual(accepted())
    expect(arriveAs(made(NOW - 301))).toEqual(refused('stale'))
    expect(arriveAs(made(NOW + 300))).toEqual(accepted())
    expect(arriveAs(made(NOW + 301))).toEqual(refused('future'))
    expect(arriveAs(made(NOW), { toleranceSeconds: 0 })).toEqual(accepted())
    expect(arriveAs(made(NOW - 1), { toleranceSeconds: 0 })).toEqual(refused('stale'))
    expect(arriveAs(made(NOW - 400), { toleranceSeconds: 400 })).toEqual(accepted())
  })

  it('is good for the whole of the second in which it ends, and no longer', () => {
    const input = `("@method");created=${NOW - 10};expires=${NOW}`
    expect(arriveAs(input, { nowMs: NOW_MS + 999 })).toEqual(accepted())
    expect(arriveAs(input, { nowMs: NOW_MS + 1000 })).toEqual(refused('stale'))
    // What is not authentic is not called stale.
    const forged = { input, signature: ':AAAA:' }
    expect(arrive(headersOf({ a: forged }), { nowMs: NOW_MS + 1000 })).toEqual(refused('signature_mismatch'))
  })
})

describe('the digest of the body', () => {
  const input = `("@method" "content-digest");created=${NOW}`
  const lines = `"@method": POST\n"content-digest": ${DIGEST}\n`
  const headers = headersOf({ a: signed(input, lines) })

  it('is looked at where it is covered, before the signature', () => {
    expect(arrive([...headers, 'content-digest', DIGEST])).toEqual(accepted())
    const other = { body: Buffer.from('other') }
    expect(arrive([...headers, 'content-digest', DIGEST], other)).toEqual(refused('digest_mismatch'))
    const forged = headersOf({ a: { input, signature: ':AAAA:' } })
    expect(arrive([...forged, 'content-digest', DIGEST], other)).toEqual(refused('digest_mismatch'))
    expect(arrive([...forged, 'content-digest', DIGEST])).toEqual(refused('signature_mismatch'))
    expect(arrive(headers)).toEqual(refused('missing_content'))
    expect(arrive([...headersOf({ a: GOOD }), 'content-digest', 'sha-256=:AAAA:'])).toEqual(accepted())
  })

  it('stands in one header, since of two another reader takes another', () => {
    const twice = signed(input, lines.replace(DIGEST, `${DIGEST}, ${DIGEST}`))
    const doubled = ['content-digest', DIGEST, 'content-digest', DIGEST]
    expect(arrive([...headersOf({ a: twice }), ...doubled])).toEqual(refused('digest_mismatch'))
  })
})

describe('a host that is covered', () => {
  it('is that of the origin which the scheme names', () => {
    const input = `("@method" "@authority");created=${NOW}`
    const headers = headersOf({ a: signed(input, '"@method": POST\n"@authority": own.example\n') })
    const scheme = { origin: 'https://own.example' }
    expect(arrive([...headers, 'host', 'internal'], { scheme })).toEqual(accepted())
    expect(arrive([...headers, 'host', 'internal'])).toEqual(refused('signature_mismatch'))
    expect(arrive([...headers, 'host', 'own.example'])).toEqual(accepted())
  })
})

describe('a scheme of message signatures', () => {
  it.each<readonly [boolean, Place, readonly string[]]>([
    [true, { json: ['id'] }, ['content-digest']],
    [false, { json: ['id'] }, ['@method', '@query', 'id']],
    [true, { header: 'x-id' }, ['@method', 'x-id']],
    [false, { header: 'x-id' }, ['content-digest', '@query']],
    [true, { query: 'id' }, ['@method', '@query']],
    [true, { query: 'id' }, ['@target-uri']],
    [false, { query: 'id' }, ['@path', 'id', 'content-digest']],
    [false, { field: 'id' }, ['@query', '@target-uri', 'content-digest', 'id']],
  ])('signs or not (%s) what stands at %j, where it requires %j', (signs, place, components) => {
    expect(messageSignatures.signs?.(place, { ...METHOD_ONLY, components })).toBe(signs)
  })

  const complaint = (scheme: Partial<MessageSignatureScheme>): string | undefined =>
    messageSignatures.complaint({ ...METHOD_ONLY, ...scheme }, [])

  it('requires components that a request has', () => {
    const derived = ['@method', '@authority', '@scheme', '@target-uri', '@request-target', '@path', '@query']
    expect(
      complaint({ components: [...derived, 'content-digest', 'x-a', "!#$%&'*+.^_`|~9"] }),
    ).toBeUndefined()
    expect(complaint({ components: [] })).toBeUndefined()
    // The last three are no ASCII: a small letter, a capital, and the Kelvin sign, which is an ASCII one in lower case.
    const noField = ['', 'a@b', 'x a', ' x', 'x;key="a"', '"x"', 'x\n', '\u00e9', '\u00c9', '\u212a']
    for (const unknown of ['@status', '@query-param', '@', '@Method', 'Content-Digest', ...noField]) {
      expect(complaint({ components: ['@method', unknown] })).toContain(
        `requires '${unknown}', which is no component of a request`,
      )
    }
  })

  it('has an origin that is a scheme and a host', () => {
    for (const origin of ['https://a.example', 'http://a', 'https://a.example:8443']) {
      expect(complaint({ origin })).toBeUndefined()
    }
    for (const origin of [
      '',
      'a.example',
      'https://',
      'https://a.example/',
      'https://a.example?',
      'https://a.example#',
      'https://a.example/a',
      'HTTPS://a.example',
      'ftp://a.example',
      'httpss://a.example',
      ' https://a.example',
    ]) {
      expect(complaint({ origin })).toContain(
        `has the origin '${origin}', which must be a scheme and a host, such as https://example.com`,
      )
    }
  })

  it('has a tag that a string of a structured field can hold', () => {
    for (const tag of [undefined, '', 'hooks', ' ~', 'hooks "a" \\']) {
      expect(complaint(tag === undefined ? {} : { tag })).toBeUndefined()
    }
    for (const tag of ['hôoks', 'hooks\u007f', '\u001fhooks', 'hooks\n', 'hooks\u2028', '\u{1f600}']) {
      expect(complaint({ tag })).toBe(`has the tag ${JSON.stringify(tag)}, which is not printable ASCII`)
    }
  })

  it('is known by its algorithm', () => {
    expect(messageSignatures.algorithms).toEqual(['http-message-signature'])
  })
})
