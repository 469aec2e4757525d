import { beforeEach, describe, expect, it } from 'vitest'
import { Keyring } from './keyring.ts'
import { methodOf, type Method } from './method.ts'
import type { WebhookRequest } from './request.ts'
import type { Scheme, StaticSecretScheme } from './scheme.ts'
import { bodySecrets, eachSecrets, headerSecrets, querySecrets } from './static-secret-method.ts'
import { readEachMember, readHeader, readMember, readParameter, writeStaticSecret } from './static-secret.ts'

const SECRET = 'a secret that is sent as it is'
const OLD = 'the one before, for a while yet'

const METHODS: readonly Method[] = [
  headerSecrets,
  bodySecrets,
  querySecrets,
  eachSecrets,
] as readonly Method[]

function own(secret: StaticSecretScheme['secret']): StaticSecretScheme {
  return { name: 'own', algorithm: 'static-secret', secret }
}

function request({ url = '/in', headers = [] as readonly string[], body = '' }): WebhookRequest {
  return { method: 'POST', url, headers, body: Buffer.from(body) }
}

const inHeader = { header: 'x-token' }
const inBody = { json: ['auth', 'pass'] }
const inQuery = { query: 'token' }
const inEach = { each: ['in', 'list'], member: ['by', 'key'] }

/** Where each has it, and the request as its sender makes it and as it is kept. */
const PLACES: readonly {
  readonly place: StaticSecretScheme['secret']
  readonly with: (secret: string) => WebhookRequest
}[] = [
  { place: inHeader, with: (secret) => request({ headers: ['a', 'b', 'X-Token', secret], body: 'any' }) },
  { place: inBody, with: (secret) => request({ body: `{"auth": {"pass":"${secret}"}}` }) },
  { place: inQuery, with: (secret) => request({ url: `/in?a=b&token=${encodeURIComponent(secret)}` }) },
  {
    place: inEach,
    with: (secret) =>
      request({ body: `{"in":{"list":[{"by":{"key":"${secret}"}}, {"by":{"key":"${secret}"}}]}}` }),
  },
]

function methodFor(scheme: Scheme): Method {
  return methodOf(scheme, METHODS)!
}

function reasonOf(
  scheme: StaticSecretScheme,
  came: WebhookRequest,
  keys = new Keyring([SECRET], { as: 'utf8' }),
): string {
  const result = methodFor(scheme).check(scheme, keys, came, { nowMs: 0 })
  return result.ok ? 'ok' : result.reason
}

describe.each(PLACES)('a secret in $place', ({ place, with: sent }) => {
  const scheme = own(place)
  let method: Method

  beforeEach(() => {
    method = methodFor(scheme)
  })

  it('is looked at by one method', () => {
    expect(METHODS.filter((each) => each.takes?.(scheme))).toEqual([method])
    expect(method.algorithms).toEqual(['static-secret'])
  })

  it('is one of those configured, and which', () => {
    const keys = method.keyring([SECRET, OLD], scheme)
    const check = (secret: string): unknown => method.check(scheme, keys, sent(secret), { nowMs: 0 })
    expect(check(SECRET)).toEqual({ ok: true, secretIndex: 0 })
    expect(check(OLD)).toEqual({ ok: true, secretIndex: 1 })
    expect(check('another')).toEqual({ ok: false, reason: 'secret_mismatch' })
    expect(method.check(scheme, method.keyring([OLD, OLD], scheme), sent(OLD), { nowMs: 0 })).toEqual({
      ok: true,
      secretIndex: 0,
    })
  })

  it('is looked at only where there is one of ours, and the headers are those that must be', () => {
    expect(reasonOf(scheme, sent(SECRET), new Keyring([], { as: 'utf8' }))).toBe('no_secret')
    expect(reasonOf({ ...scheme, required: { 'x-version': '1' } }, sent(SECRET))).toBe('missing_header')
    expect(reasonOf({ ...scheme, required: { a: 'c' } }, { ...sent(SECRET), headers: ['a', 'b'] })).toBe(
      'malformed_header',
    )
  })

  it('is cut out of what is kept, and nothing else is', () => {
    const { method: _, ...came } = sent(SECRET)
    const kept = method.without?.(scheme, sent(SECRET))
    const text = (one: Pick<WebhookRequest, 'url' | 'headers' | 'body'> | undefined): string =>
      JSON.stringify([one?.url, one?.headers, Buffer.from(one?.body ?? []).toString()])
    const expected = text(came)
      .replace(`,"X-Token","${SECRET}"`, '')
      .replaceAll(SECRET, '[redacted]')
      .replace(encodeURIComponent(SECRET), '[redacted]')
    expect(text(kept)).toBe(expected)
    expect(text(kept)).not.toContain(SECRET)
    expect(kept?.method).toBe('POST')
  })

  it('comes with a warning that whoever sees one request can send others', () => {
    expect(method.warning).toMatch(/none is signed: whoever sees one can send others; use TLS/)
  })

  it('must be another than what another scheme signs with', () => {
    const hmac: Scheme = {
      name: 'signing',
      algorithm: 'hmac-sha256',
      key: { as: 'utf8' },
      signature: { in: [{ header: 'x-signature' }], encoding: 'hex' },
      content: ['body'],
    }
    const complaint = (one: StaticSecretScheme, ...others: readonly Scheme[]): unknown =>
      method.complaint(one, [one, ...others])
    expect(complaint(scheme)).toBeUndefined()
    expect(complaint(scheme, own({ header: 'x-another' }))).toBeUndefined()
    expect(complaint(scheme, { ...hmac, verifiedBy: 'other' })).toBeUndefined()
    expect(complaint({ ...scheme, verifiedBy: 'token' }, hmac)).toBeUndefined()
    expect(complaint(scheme, hmac)).toMatch(/another than 'signing' signs with: set its verifiedBy/)
    expect(complaint({ ...scheme, verifiedBy: 'x' }, { ...hmac, verifiedBy: 'x' })).toMatch(/'signing'/)
  })

  it('is refused where no request could carry it', () => {
    expect(() => method.keyring([SECRET, `${SECRET}\n`], scheme)).toThrow(
      expect.objectContaining({ code: 'bad_secret' }),
    )
  })

  it('is written where it is read', () => {
    const unsent = { ...sent('x'), url: '/in?a=b' }
    const made = writeStaticSecret(scheme, Buffer.from(SECRET), unsent)
    const came = { ...unsent, ...made, headers: Object.entries(made.headers).flat() }
    expect(reasonOf(scheme, came)).toBe('ok')
  })
})

describe('a header of a secret', () => {
  const complaint = (place: StaticSecretScheme['secret']): unknown =>
    headerSecrets.complaint(own(place) as never, [])

  // RFC 9110 §5.6.2: the characters of a token.
  it('may be called what headers are called, and its word likewise', () => {
    expect(complaint({ header: "!#$%&'*+-.^_`|~09az" })).toBeUndefined()
    expect(complaint({ header: 'x', authScheme: "!#$%&'*+-.^_`|~09azAZ" })).toBeUndefined()
  })

  it.each(['', ' x', 'x ', 'x y', 'x:', '(x)', 'x,y', '"x"', 'é', 'x\n'])('is not called %j', (name) => {
    expect(complaint({ header: name })).toBe(`has a secret in '${name}', which no header is called`)
    expect(complaint({ header: 'x', authScheme: name })).toBe(`has an authScheme that is no word, '${name}'`)
  })
})

describe('a place in the body', () => {
  it('has at least one name', () => {
    expect(bodySecrets.complaint(own({ json: [] }) as never, [])).toBe('has no place for a secret')
  })
})

describe('what a header holds', () => {
  const read = (
    place: { readonly header: string; readonly authScheme?: string; readonly encoding?: 'base64' | 'hex' },
    ...values: string[]
  ): string => {
    const result = readHeader(
      place,
      values.flatMap((value) => ['x-token', value]),
    )
    return 'reason' in result ? result.reason : Buffer.from(result.sent).toString()
  }
  const bearer = { ...inHeader, authScheme: 'Bearer' }

  it('is the secret as it is', () => {
    expect(read(inHeader, SECRET)).toBe(SECRET)
    expect(read(inHeader, '')).toBe('')
    expect(read(inHeader, 'é')).toBe('é')
    expect(read(inHeader)).toBe('missing_header')
    expect(read(inHeader, SECRET, SECRET)).toBe('duplicate_header')
  })

  it('is 4,096 characters long at most', () => {
    expect(read(inHeader, 'x'.repeat(4096))).toHaveLength(4096)
    expect(read(inHeader, 'x'.repeat(4097))).toBe('malformed_header')
  })

  // RFC 9110 §11.1 and §11.4.
  it('is behind its word in any case, and one space or more', () => {
    expect(read(bearer, 'Bearer a  b')).toBe('a  b')
    expect(read(bearer, 'bEARER   a')).toBe('a')
    expect(read({ ...inHeader, authScheme: 'bearer' }, 'BEARER a')).toBe('a')
    expect(read(bearer, 'Bearer ')).toBe('')
    for (const wrong of [
      '',
      'Bearer',
      'Bearera',
      'Bearer\ta',
      'Basic a',
      'Digest a',
      ' Bearer a',
      'a Bearer b',
    ])
      expect(read(bearer, wrong)).toBe('malformed_header')
  })

  it('is in its encoding, strictly', () => {
    const basic = { ...inHeader, authScheme: 'Basic', encoding: 'base64' } as const
    expect(read(basic, 'Basic dTpw')).toBe('u:p')
    expect(read(basic, 'Basic dTpw=')).toBe('bad_encoding')
    expect(read(basic, 'dTpw')).toBe('malformed_header')
    expect(read({ ...inHeader, encoding: 'hex' }, '753A70')).toBe('u:p')
  })
})

describe('what a body holds', () => {
  const read = (body: string): string => {
    const result = readMember(inBody, Buffer.from(body))
    return 'reason' in result ? result.reason : Buffer.from(result.sent).toString()
  }

  it.each([
    ['{"auth":{"pass":"\\u00e9"}}', 'é'],
    ['{"auth":{"pass":""}}', ''],
    ['{"auth":{}}', 'missing_secret'],
    ['{"auth":{"pass":1}}', 'missing_secret'],
    ['{"auth":', 'missing_secret'],
    ['{"auth":{"pass":"a","pass":"a"}}', 'duplicate_secret'],
  ])('of %s is %s', (body, expected) => {
    expect(read(body)).toBe(expected)
  })
})

describe('what the elements of an array hold', () => {
  const read = (body: string): readonly string[] =>
    readEachMember(inEach, Buffer.from(body)).map((result) =>
      'reason' in result ? result.reason : Buffer.from(result.sent).toString(),
    )

  it.each<[string, readonly string[]]>([
    ['[{"by":{"key":"\\u00e9"}},{"by":{"key":""}}]', ['é', '']],
    [
      '[{"by":{"key":"a"}},{},1,{"by":{"key":1}}]',
      ['a', 'missing_secret', 'missing_secret', 'missing_secret'],
    ],
    ['[{"by":{"key":"a","key":"a"}},{"by":{"key":"b"}}]', ['duplicate_secret', 'b']],
    ['[]', ['missing_secret']],
    ['{}', ['missing_secret']],
    ['[', ['missing_secret']],
  ])('of %s is %j', (list, expected) => {
    expect(read(`{"in":{"list":${list}}}`)).toEqual(expected)
  })

  it('passes where each has one of ours, and is told by the first of them', () => {
    const keys = eachSecrets.keyring([SECRET, OLD], own(inEach) as never)
    const check = (...secrets: readonly unknown[]): unknown => {
      const list = secrets.map((key) => ({ by: { key } }))
      return eachSecrets.check(
        own(inEach) as never,
        keys,
        request({ body: JSON.stringify({ in: { list } }) }),
        { nowMs: 0 },
      )
    }
    expect(check(OLD, SECRET)).toEqual({ ok: true, secretIndex: 1 })
    expect(check(SECRET, OLD, SECRET)).toEqual({ ok: true, secretIndex: 0 })
    expect(check(SECRET, 'another')).toEqual({ ok: false, reason: 'secret_mismatch' })
    expect(check('another', SECRET)).toEqual({ ok: false, reason: 'secret_mismatch' })
    // The one that got least far, wherever it stands.
    expect(check('another', SECRET, 1)).toEqual({ ok: false, reason: 'missing_secret' })
    expect(check(1, SECRET, 'another')).toEqual({ ok: false, reason: 'missing_secret' })
    expect(check()).toEqual({ ok: false, reason: 'missing_secret' })
  })
})

describe('what a parameter holds', () => {
  it.each([
    ['/in?token=a%20b+c', 'a b c'],
    ['/in?a=b&token=%C3%A9', 'é'],
    ['/in?token', ''],
    ['/in?Token=a', 'missing_secret'],
    ['/in', 'missing_secret'],
    ['/token=a', 'missing_secret'],
    ['/in?token=a&token=a', 'duplicate_secret'],
    ['/in?token=a&t%6Fken=b', 'duplicate_secret'],
  ])('of %s is %s', (url, expected) => {
    const result = readParameter(inQuery, request({ url }))
    expect('reason' in result ? result.reason : Buffer.from(result.sent).toString()).toBe(expected)
  })
})

describe('writing a secret', () => {
  const body = Buffer.from('{"auth":{"pass":1},"in":{"list":[{"by":{"key":1}},{"by":{"key":[2]}}]}}')
  const write = (
    place: StaticSecretScheme['secret'],
    secret = 's "é"',
    given: Uint8Array = body,
  ): unknown => {
    // A view of more memory, as keys and bodies are.
    const memory = Buffer.from(`x${secret}x`)
    const key = new Uint8Array(memory.buffer, memory.byteOffset + 1, memory.byteLength - 2)
    const { headers, url, body: written } = writeStaticSecret(own(place), key, { url: '/in', body: given })
    return { headers, url, body: Buffer.from(written).toString() }
  }
  const unchanged = { headers: {}, url: '/in', body: body.toString() }

  it('puts it into a header, behind its word and in its encoding', () => {
    expect(write(inHeader)).toEqual({ ...unchanged, headers: { 'x-token': 's "é"' } })
    expect(write({ ...inHeader, authScheme: 'Bearer' })).toEqual({
      ...unchanged,
      headers: { 'x-token': 'Bearer s "é"' },
    })
    expect(write({ ...inHeader, authScheme: 'Basic', encoding: 'base64' }, 'u:p')).toEqual({
      ...unchanged,
      headers: { 'x-token': 'Basic dTpw' },
    })
  })

  it('puts it into the URL, escaped, behind a query or as its first parameter', () => {
    expect(write(inQuery)).toEqual({ ...unchanged, url: '/in?token=s%20%22%C3%A9%22' })
    const written = writeStaticSecret(own(inQuery), Buffer.from('s'), { url: '/in?a', body })
    expect(written.url).toBe('/in?a&token=s')
    expect(written.body).toBe(body)
  })

  it('puts it into the body in the place of what stands there', () => {
    expect(write(inBody)).toEqual({
      ...unchanged,
      body: '{"auth":{"pass":"s \\"é\\""},"in":{"list":[{"by":{"key":1}},{"by":{"key":[2]}}]}}',
    })
    expect(write(inEach)).toEqual({
      ...unchanged,
      body: '{"auth":{"pass":1},"in":{"list":[{"by":{"key":"s \\"é\\""}},{"by":{"key":"s \\"é\\""}}]}}',
    })
  })

  const badScheme = (message: RegExp): unknown =>
    expect.objectContaining({ code: 'bad_scheme', message: expect.stringMatching(message) as unknown })

  it.each(['', '{', '{}', '{"auth":{}}', '{"auth":{"pass":1,"pass":2}}'])(
    'has no place in the body %j',
    (given) => {
      expect(() => write(inBody, 's', Buffer.from(given))).toThrow(
        badScheme(/JSON and have the member auth\.pass once, with any value/),
      )
    },
  )

  it.each(['', '{', '{}', '[]', '[{}]', '[{"by":{"key":1}},{}]', '[{"by":{"key":1,"key":2}}]'])(
    'has no place in the elements of %j',
    (list) => {
      expect(() => write(inEach, 's', Buffer.from(`{"in":{"list":${list}}}`))).toThrow(
        badScheme(/JSON and have by\.key once in each element of in\.list, with any value/),
      )
    },
  )
})

describe('a secret that is configured', () => {
  const take = (place: StaticSecretScheme['secret'], secret: string): string => {
    try {
      return String(methodFor(own(place)).keyring([secret], own(place)).size)
    } catch (error) {
      return (error as Error).message
    }
  }
  const basic = { ...inHeader, authScheme: 'Basic', encoding: 'base64' } as const

  it.each([
    [inHeader, 'x'],
    [inHeader, '!~'],
    [inHeader, 'a b  c'],
    [basic, 'u:pä \u00a0 ö'],
    [inBody, 'ä'],
    [inBody, 'ä \u3000 ö 🎉'],
    [inBody, 'half a character, \ud83c'],
    [inQuery, 'ä ö'],
    [inEach, 'ä ö'],
  ])('for %j may be %j', (place, secret) => {
    expect(take(place, secret)).toBe('1')
  })

  it.each(['x ', ' x', 'x\n', '\tx', 'a\tb', 'a\0b', 'a\x7fb', 'ä', 'aäb', 'ax\u00a0'])(
    'for a header is not %j, which is told with what to look for',
    (secret) => {
      expect(take(inHeader, secret)).toMatch(
        /white space.*anything but printable ASCII; .*line break at its end/,
      )
    },
  )

  it.each(['x ', ' x', '\u00a0x', 'x\u3000', 'x\n', 'a\tb', 'a\0b', 'a\x7fb', 'a\u0085b'])(
    'for another place is not %j, which is told with what to look for',
    (secret) => {
      for (const place of [basic, inBody, inQuery, inEach])
        expect(take(place, secret)).toMatch(
          /white space.*nor hold control characters; .*line break at its end/,
        )
    },
  )
})
