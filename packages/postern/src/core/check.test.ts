import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { check, type CheckResult } from './check.ts'
import { Keyring } from './keyring.ts'
import { REASONS } from './reason.ts'
import type { WebhookRequest } from './request.ts'
import type { SignatureScheme as Scheme } from './scheme.ts'

const SECRET = 'the secret of these tests'
const NOW_MS = 1_700_000_000_000
const NOW = '1700000000'

const timed: Scheme = {
  name: 'timed',
  algorithm: 'hmac-sha256',
  key: { as: 'utf8' },
  signature: { in: [{ header: 'x-signature' }], prefix: 'sha256=', encoding: 'hex' },
  timestamp: { in: { header: 'x-timestamp' }, unit: 'seconds', toleranceSeconds: 300 },
  content: ['timestamp', { literal: '.' }, 'body'],
}

/** Standard Webhooks' form, in hex. */
const withId: Scheme = {
  ...timed,
  name: 'with-id',
  id: { in: { header: 'x-id' }, forbid: '.' },
  content: ['id', { literal: '.' }, 'timestamp', { literal: '.' }, 'body'],
}

const stripeLike: Scheme = {
  ...timed,
  name: 'stripe-like',
  signature: {
    in: [{ header: 'x-signature' }],
    separator: ',',
    pairSeparator: '=',
    field: 'v1',
    encoding: 'hex',
  },
  timestamp: { in: { field: 't' }, unit: 'seconds' },
}

function hmac(content: string | Uint8Array, secret = SECRET): string {
  return createHmac('sha256', secret).update(content).digest('hex')
}

/** A valid request of `timed`, and what is to be changed of it. */
function request(
  changes: { headers?: Record<string, string | undefined>; body?: string } = {},
): WebhookRequest {
  const body = changes.body ?? '{"id":"a"}'
  const headers: Record<string, string | undefined> = {
    'X-Signature': `sha256=${hmac(`${NOW}.${body}`)}`,
    'X-Timestamp': NOW,
    ...changes.headers,
  }
  return raw(
    Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [name, value])),
    body,
  )
}

function raw(headers: readonly string[], body: string | Uint8Array = '{"id":"a"}'): WebhookRequest {
  return { method: 'POST', url: '', headers, body: Buffer.from(body) }
}

function run(
  scheme: Scheme,
  arrived: WebhookRequest,
  options: Partial<Parameters<typeof check>[3]> = {},
): CheckResult {
  return check(scheme, new Keyring([SECRET], scheme.key), arrived, { nowMs: NOW_MS, ...options })
}

const accepted = { ok: true, secretIndex: 0 }
const refused = (reason: string): object => ({ ok: false, reason })

describe('check', () => {
  it('accepts a request that the provider signed', () => {
    expect(run(timed, request())).toEqual(accepted)
  })

  it('accepts one that has the header which the scheme requires, with its value', () => {
    const versioned: Scheme = { ...timed, required: { 'x-version': '1', 'x-kind': 'a' } }
    expect(run(versioned, request({ headers: { 'X-Version': '1', 'x-kind': 'a' } }))).toEqual(accepted)
    expect(run(versioned, request({ headers: { 'X-Version': '1', 'x-kind': 'A' } }))).toEqual(
      refused('malformed_header'),
    )
  })

  const reasons: readonly [string, Scheme, WebhookRequest][] = [
    ['missing_header', timed, request({ headers: { 'X-Signature': undefined } })],
    ['missing_header', timed, request({ headers: { 'X-Timestamp': undefined } })],
    ['missing_header', timed, raw([])],
    ['missing_header', { ...timed, required: { 'x-version': '1' } }, request()],
    ['missing_header', stripeLike, raw(['x-signature', `v1=${hmac(`${NOW}.{}`)}`], '{}')],
    ['duplicate_header', timed, request({ headers: { 'x-signature': 'sha256=' } })],
    ['duplicate_header', timed, request({ headers: { 'x-timestamp': NOW } })],
    [
      'duplicate_header',
      { ...timed, required: { 'x-version': '1' } },
      request({ headers: { 'x-version': '1', 'X-Version': '1' } }),
    ],
    ['duplicate_header', withId, request({ headers: { 'x-id': 'a', 'X-Id': 'a' } })],
    ['malformed_header', timed, request({ headers: { 'X-Signature': hmac(`${NOW}.{}`) } })],
    [
      'malformed_header',
      { ...timed, required: { 'x-version': '1' } },
      request({ headers: { 'x-version': '2' } }),
    ],
    ['bad_encoding', timed, request({ headers: { 'X-Signature': 'sha256=zz' } })],
    ['bad_encoding', timed, request({ headers: { 'X-Signature': 'sha256=' } })],
    ['malformed_timestamp', timed, request({ headers: { 'X-Timestamp': '' } })],
    ['malformed_timestamp', timed, request({ headers: { 'X-Timestamp': `${NOW}junk` } })],
    ['malformed_timestamp', timed, request({ headers: { 'X-Timestamp': `${NOW}, ${NOW}` } })],
    ['malformed_id', withId, request({ headers: { 'x-id': '' } })],
    ['malformed_id', withId, request({ headers: { 'x-id': 'a.b' } })],
    ['missing_content', { ...timed, content: [...timed.content, { header: 'x-more' }] }, request()],
    [
      'missing_content',
      { ...timed, content: [...timed.content, { header: 'x-more' }] },
      request({ headers: { 'x-more': '1', 'X-More': '1' } }),
    ],
    ['signature_mismatch', timed, request({ headers: { 'X-Signature': `sha256=${'0'.repeat(64)}` } })],
    ['signature_mismatch', timed, request({ headers: { 'X-Timestamp': '1700000001' } })],
  ]

  it.each(reasons)('answers %s (%#)', (reason, scheme, arrived) => {
    expect(run(scheme, arrived)).toEqual(refused(reason))
  })

  it('answers no_secret before it looks at anything', () => {
    const keys = new Keyring([], timed.key)
    expect(check(timed, keys, raw([]), { nowMs: NOW_MS })).toEqual(refused('no_secret'))
  })

  it('reaches every reason that is its own', () => {
    const reached = new Set([...reasons.map(([reason]) => reason), 'no_secret', 'stale', 'future'])
    const ofSecrets = ['missing_secret', 'duplicate_secret', 'secret_mismatch']
    // Their own tests reach these: of certificates, tokens and message signatures.
    const ofOtherSchemes = [
      'untrusted_key_url',
      'untrusted_certificate',
      'unknown_key',
      'not_covered',
      'digest_mismatch',
      'not_for_us',
      'key_unavailable',
    ]
    const ofBodies = ['body_already_parsed', 'client_disconnected', 'body_too_large', 'malformed_body']
    const others = [...ofBodies, ...ofSecrets, ...ofOtherSchemes]
    expect([...reached, ...others].toSorted()).toEqual([...REASONS].toSorted())
  })

  it.each(['', 'undefined', 'null', 'secret', '[object Object]'])(
    'refuses what is signed with %j while no secret is set',
    (guess) => {
      const forged = raw(['x-signature', `sha256=${hmac(`${NOW}.{}`, guess)}`, 'x-timestamp', NOW], '{}')
      expect(check(timed, new Keyring([], timed.key), forged, { nowMs: NOW_MS })).toEqual(
        refused('no_secret'),
      )
      expect(run(timed, forged)).toEqual(refused('signature_mismatch'))
    },
  )

  it('refuses what only a method of its own could match or derive', () => {
    const signature = Buffer.alloc(64).toString('hex')
    const ed25519: Scheme = { ...timed, algorithm: 'ed25519' }
    expect(run(ed25519, request({ headers: { 'X-Signature': `sha256=${signature}` } }))).toEqual(
      refused('signature_mismatch'),
    )
    const derived: Scheme = { ...timed, content: [...timed.content, { derived: 'escaped-path' }] }
    expect(run(derived, request())).toEqual(refused('missing_content'))
  })

  it('signs what is derived as it was made', () => {
    const derived: Scheme = { ...timed, content: ['timestamp', { derived: 'escaped-path' }] }
    const arrived = request({ headers: { 'X-Signature': `sha256=${hmac(`${NOW}/made`)}` } })
    const keys = new Keyring([SECRET], timed.key)
    const made = check(derived, keys, arrived, { nowMs: NOW_MS }, undefined, (part) =>
      part.derived === 'escaped-path' ? '/made' : undefined,
    )
    expect(made).toEqual(accepted)
  })

  it('never says what the signature should have been', () => {
    const result = run(timed, request({ headers: { 'X-Signature': `sha256=${'0'.repeat(64)}` } }))
    expect(Object.keys(result).toSorted()).toEqual(['ok', 'reason'])
  })
})

describe('the time of a request', () => {
  it.each([
    [300, accepted],
    [300.999, accepted],
    [301, refused('stale')],
    [-300, accepted],
    [-301, refused('future')],
    [315_360_000, refused('stale')],
    [-315_360_000, refused('future')],
  ])('signed %d s ago', (ageSeconds, expected) => {
    expect(run(timed, request(), { nowMs: NOW_MS + ageSeconds * 1000 })).toEqual(expected)
  })

  it('is looked at after the signature, so that stale means authentic', () => {
    const forged = request({ headers: { 'X-Timestamp': '1' } })
    expect(run(timed, forged)).toEqual(refused('signature_mismatch'))
  })

  it("is held against the source's tolerance before the scheme's", () => {
    expect(run(timed, request(), { nowMs: NOW_MS + 10_000, toleranceSeconds: 9 })).toEqual(refused('stale'))
    expect(run(timed, request(), { nowMs: NOW_MS + 3_600_000, toleranceSeconds: 3600 })).toEqual(accepted)
  })

  it('takes a tolerance of 0 as 0, from either', () => {
    const strict: Scheme = { ...timed, timestamp: { ...timed.timestamp!, toleranceSeconds: 0 } }
    expect(run(strict, request(), { nowMs: NOW_MS + 1000 })).toEqual(refused('stale'))
    expect(run(timed, request(), { nowMs: NOW_MS + 1000, toleranceSeconds: 0 })).toEqual(refused('stale'))
    expect(run(timed, request(), { nowMs: NOW_MS - 1000, toleranceSeconds: 0 })).toEqual(refused('future'))
    expect(run(timed, request(), { toleranceSeconds: 0 })).toEqual(accepted)
  })

  it('is held against 300 s where neither says otherwise', () => {
    const header = `t=${NOW},v1=${hmac(`${NOW}.{}`)}`
    expect(run(stripeLike, raw(['x-signature', header], '{}'), { nowMs: NOW_MS + 300_000 })).toEqual(accepted)
    expect(run(stripeLike, raw(['x-signature', header], '{}'), { nowMs: NOW_MS + 301_000 })).toEqual(
      refused('stale'),
    )
  })

  it('is signed as the text it came in, not as its number', () => {
    const padded = `000${NOW}`
    const signed = (text: string): WebhookRequest =>
      raw(['x-timestamp', padded, 'x-signature', `sha256=${hmac(`${text}.{}`)}`], '{}')
    expect(run(timed, signed(padded))).toEqual(accepted)
    expect(run(timed, signed(NOW))).toEqual(refused('signature_mismatch'))
  })

  it('in milliseconds a year ago is stale, not of the far future', () => {
    const yearAgo = String(NOW_MS - 31_536_000_000)
    const arrived = raw(['x-timestamp', yearAgo, 'x-signature', `sha256=${hmac(`${yearAgo}.{}`)}`], '{}')
    const unit: Scheme = { ...timed, timestamp: { ...timed.timestamp!, unit: 'milliseconds' } }
    expect(run(unit, arrived)).toEqual(refused('stale'))
    expect(run(timed, arrived)).toEqual(refused('future'))
  })
})

describe('several secrets', () => {
  it('verify by any of them, and the verdict says by which', () => {
    expect(withSecrets(SECRET, 'older')).toEqual({ ok: true, secretIndex: 0 })
    expect(withSecrets('newer', SECRET)).toEqual({ ok: true, secretIndex: 1 })
    expect(withSecrets('newest', 'newer', SECRET, 'oldest')).toEqual({ ok: true, secretIndex: 2 })
    expect(withSecrets('newer', 'older')).toEqual(refused('signature_mismatch'))
  })

  it('are not what is wrong with a signature that is encoded right, whatever stands beside it', () => {
    const [wrong, none] = ['0'.repeat(64), 'z'.repeat(64)]
    for (const [header, reason] of [
      [`t=${NOW},v1=${wrong},v1=${none}`, 'signature_mismatch'],
      [`t=${NOW},v1=${none},v1=${wrong}`, 'signature_mismatch'],
      [`t=${NOW},v1=${none},v1=${none}`, 'bad_encoding'],
    ] as const)
      expect(run(stripeLike, raw(['x-signature', header], '{}'))).toEqual(refused(reason))
  })

  it('report the first where one is listed twice', () => {
    expect(withSecrets(SECRET, SECRET)).toEqual({ ok: true, secretIndex: 0 })
  })

  it('meet several signatures: any pair that fits will do', () => {
    const header = `t=${NOW},v1=${'0'.repeat(64)},v1=${hmac(`${NOW}.{}`)},v1=${'1'.repeat(64)}`
    const keys = new Keyring(['newer', SECRET], stripeLike.key)
    const arrived = raw(['x-signature', header], '{}')
    expect(check(stripeLike, keys, arrived, { nowMs: NOW_MS })).toEqual({ ok: true, secretIndex: 1 })
  })

  it('meet a signature by the first or the last of them alike', () => {
    const first = `t=${NOW},v1=${hmac(`${NOW}.{}`)},v1=${'0'.repeat(64)}`
    const last = `t=${NOW},v1=${'0'.repeat(64)},v1=${hmac(`${NOW}.{}`)}`
    expect(run(stripeLike, raw(['x-signature', first], '{}'))).toEqual(accepted)
    expect(run(stripeLike, raw(['x-signature', last], '{}'))).toEqual(accepted)
  })
})

describe('the boundary between id, time and body', () => {
  const body = `x.${NOW}.{"type":"evil"}`
  const signature = `sha256=${hmac(`msg_1.${NOW}.${body}`)}`

  it('stands where the sender put it', () => {
    expect(run(withId, raw(['x-id', 'msg_1', 'x-timestamp', NOW, 'x-signature', signature], body))).toEqual(
      accepted,
    )
  })

  it('cannot be shifted into the body by an id with dots', () => {
    const shifted = raw(
      ['x-id', `msg_1.${NOW}.x`, 'x-timestamp', NOW, 'x-signature', signature],
      '{"type":"evil"}',
    )
    expect(run(withId, shifted)).toEqual(refused('malformed_id'))
  })

  it('would be shifted without `forbid`: this is what it is for', () => {
    const { forbid: _, ...anyId } = withId.id!
    const shifted = raw(
      ['x-id', `msg_1.${NOW}.x`, 'x-timestamp', NOW, 'x-signature', signature],
      '{"type":"evil"}',
    )
    expect(run({ ...withId, id: anyId }, shifted)).toEqual(accepted)
  })

  it('cannot be shifted by an empty id, or by a time with dots', () => {
    const signed = `sha256=${hmac(`.${NOW}.{}`)}`
    expect(run(withId, raw(['x-id', '', 'x-timestamp', NOW, 'x-signature', signed], '{}'))).toEqual(
      refused('malformed_id'),
    )
    const shifted = raw(['x-id', 'msg_1', 'x-timestamp', `${NOW}.x.${NOW}`, 'x-signature', signature], '{}')
    expect(run(withId, shifted)).toEqual(refused('malformed_timestamp'))
  })

  it('refuses every character that the scheme forbids', () => {
    const strict: Scheme = { ...withId, id: { in: { header: 'x-id' }, forbid: '.:🎉' } }
    for (const id of ['a.b', 'a:b', 'a🎉b', '.', ':']) {
      expect(run(strict, raw(['x-id', id, 'x-timestamp', NOW, 'x-signature', signature]))).toEqual(
        refused('malformed_id'),
      )
    }
  })
})

describe('the bytes of a body', () => {
  it.each(['', '$$ $& $` $1 {body}', '{body}.{timestamp}', '\r\n', '\0', '\uFEFF{}', '🎉', ' '.repeat(1000)])(
    'are signed as they are: %j',
    (body) => {
      expect(run(timed, request({ body }))).toEqual(accepted)
    },
  )

  it('tell 0xFF from the U+FFFD it would be decoded to, and from 0xFE', () => {
    const headers = [
      'x-timestamp',
      NOW,
      'x-signature',
      `sha256=${hmac(Buffer.concat([Buffer.from(`${NOW}.`), Buffer.of(0xff)]))}`,
    ]
    expect(run(timed, raw(headers, Buffer.of(0xff)))).toEqual(accepted)
    expect(run(timed, raw(headers, Buffer.of(0xfe)))).toEqual(refused('signature_mismatch'))
    expect(run(timed, raw(headers, '\uFFFD'))).toEqual(refused('signature_mismatch'))
  })

  it('are those of a view only, not of the memory around it', () => {
    const memory = Buffer.from('xx{}yy')
    const arrived = { ...request({ body: '{}' }), body: memory.subarray(2, 4) }
    expect(run(timed, arrived)).toEqual(accepted)
  })
})

describe('other signed content', () => {
  const wide: Scheme = {
    ...timed,
    content: [
      'method',
      { literal: ' ' },
      'url',
      { header: 'x-more' },
      { query: 'q' },
      { json: ['id'] },
      'body',
      'timestamp',
    ],
  }
  const arrived: WebhookRequest = {
    method: 'PUT',
    url: '/hooks?q=1%20%27',
    headers: [
      'x-timestamp',
      NOW,
      'x-more',
      'more',
      'x-signature',
      `sha256=${hmac(`PUT /hooks?q=1%20%27more1 'a{"id":"a"}${NOW}`)}`,
    ],
    body: Buffer.from('{"id":"a"}'),
  }

  it('is method, verbatim URL, headers, query and fields of the body', () => {
    expect(run(wide, arrived)).toEqual(accepted)
  })

  it('is bound: another method or URL is refused', () => {
    expect(run(wide, { ...arrived, method: 'POST' })).toEqual(refused('signature_mismatch'))
    expect(run(wide, { ...arrived, url: "/hooks?q=1%20'" })).toEqual(refused('signature_mismatch'))
    expect(run(wide, { ...arrived, url: '/hooks' })).toEqual(refused('missing_content'))
  })

  it('that has no time is fresh for ever', () => {
    const { timestamp: _, ...untimed } = { ...timed, content: ['body'] as const }
    const header = ['x-signature', `sha256=${hmac('{}')}`]
    expect(run(untimed, raw(header, '{}'), { nowMs: 0 })).toEqual(accepted)
    expect(run(untimed, raw(header, '{}'), { nowMs: 1e15, toleranceSeconds: 0 })).toEqual(accepted)
  })
})

function withSecrets(...secrets: string[]): CheckResult {
  return check(timed, new Keyring(secrets, timed.key), request(), { nowMs: NOW_MS })
}

describe('a field of the signature header', () => {
  const signed = `v1=${hmac(`${NOW}.{}`)}`
  const keys = new Keyring([SECRET], stripeLike.key)
  const checkHeader = (header: string): CheckResult =>
    check(
      stripeLike,
      keys,
      { method: 'POST', url: '/', headers: ['x-signature', header], body: Buffer.from('{}') },
      { nowMs: NOW_MS },
    )

  it('is refused where the scheme reads it and it came twice: either could be the signed one', () => {
    expect(checkHeader(`t=${NOW},t=1,${signed}`)).toEqual({ ok: false, reason: 'duplicate_header' })
    expect(checkHeader(`t=${NOW},${signed},t=${NOW}`)).toEqual({ ok: false, reason: 'duplicate_header' })
  })

  it('may come twice where the scheme does not read it', () => {
    expect(checkHeader(`t=${NOW},v0=a,${signed},v0=b`)).toEqual({ ok: true, secretIndex: 0 })
  })
})
