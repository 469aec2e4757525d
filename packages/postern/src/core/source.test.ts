import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import type { Provider } from './provider.ts'
import type { Place, SignatureScheme as Scheme } from './scheme.ts'
import { custom, type CustomOptions } from '../providers/custom.ts'
import { defineSource, hasSecret } from './source.ts'
import type { SourceOptions } from './source-options.ts'

const SECRET = 'a-secret-nobody-must-ever-see'
const DAY_MS = 86_400_000

const scheme: Scheme = {
  name: 'timed',
  algorithm: 'hmac-sha256',
  key: { as: 'utf8' },
  signature: { in: [{ header: 'x-signature' }], encoding: 'hex' },
  timestamp: { in: { header: 'x-timestamp' }, unit: 'seconds' },
  content: ['timestamp', { literal: '.' }, 'body'],
}

const standardWebhooks: Scheme = {
  ...scheme,
  name: 'standard-webhooks',
  id: { in: { header: 'webhook-id' }, forbid: '.' },
  content: ['id', { literal: '.' }, 'timestamp', { literal: '.' }, 'body'],
}

function provider(parts: Partial<Provider> = {}): Provider {
  return {
    name: 'sample',
    title: 'Sample',
    schemes: [scheme],
    envelopes: [{ name: 'sample', id: [{ json: ['id'] }], type: { json: ['type'] } }],
    ...parts,
  }
}

function withScheme(parts: Partial<Scheme>): () => unknown {
  return () => defineSource(provider({ schemes: [{ ...scheme, ...parts }] }), { secret: SECRET })
}

function idSigned(places: readonly Place[], schemes: readonly Scheme[] = [scheme]): boolean | undefined {
  const envelopes = [{ name: 'sample', id: places, type: { json: ['type'] } }]
  return defineSource(provider({ schemes, envelopes })).envelopes[0]?.idSigned
}

const badScheme = expect.objectContaining({ code: 'bad_scheme' })
const badConfig = expect.objectContaining({ code: 'bad_config' })

describe('the options of a source', () => {
  it('have the documented defaults', () => {
    expect(defineSource(provider(), { secret: SECRET })).toMatchObject({
      maxBodyBytes: 1_048_576,
      dedupeWindowMs: 7 * DAY_MS,
      toleranceSeconds: undefined,
      warnings: [],
    })
  })

  it.each(['Secret', 'secrets', 'tolerance', 'maxBodySize', '__proto__x', 'constructor'])(
    'refuse %j by name',
    (name) => {
      const options = { [name]: 1 } as SourceOptions
      expect(() => defineSource(provider(), options)).toThrow(badConfig)
      expect(() => defineSource(provider(), options)).toThrow(
        `sample: unknown option '${name}'; known are secret, toleranceSeconds, maxBodyBytes, dedupeWindowMs, orderBy, onDead, onConflict, ack`,
      )
    },
  )

  it('are looked at before the scheme, which a name that is written wrongly leaves out', () => {
    const misnamed = { schema: scheme, envelope: { id: [] } } as unknown as CustomOptions
    expect(() => custom(misnamed)).toThrow(
      expect.objectContaining({
        code: 'bad_config',
        message: expect.stringMatching(/^custom: unknown option 'schema'; known are /),
      }),
    )
    const unsound = provider({ schemes: [{ ...scheme, content: [] }] })
    expect(() => defineSource(unsound, { ack: 'later' as 'stored' })).toThrow(
      'sample: ack must be one of stored, handled',
    )
  })

  it.each([
    ['toleranceSeconds', Number.NaN],
    ['toleranceSeconds', -1],
    ['toleranceSeconds', Infinity],
    ['toleranceSeconds', '300'],
    ['toleranceSeconds', null],
    ['toleranceSeconds', 300n],
    ['maxBodyBytes', Number.NaN],
    ['maxBodyBytes', -1],
    ['maxBodyBytes', [1]],
    ['dedupeWindowMs', '7d'],
    ['dedupeWindowMs', Infinity],
    ['dedupeWindowMs', 1e300],
  ])('refuse %s of %s', (name, value) => {
    const source = (): unknown => defineSource(provider(), { [name]: value } as SourceOptions)
    expect(source).toThrow(badConfig)
    expect(source).toThrow(`sample: ${name} must be a number from 0 to 1e15`)
  })

  it('may be numbers of 0', () => {
    expect(defineSource(provider(), { toleranceSeconds: 0, maxBodyBytes: 0 })).toMatchObject({
      toleranceSeconds: 0,
      maxBodyBytes: 0,
    })
  })

  it('may be given as undefined', () => {
    const options = {
      secret: undefined,
      maxBodyBytes: undefined,
      dedupeWindowMs: undefined,
    } as unknown as SourceOptions
    expect(defineSource(provider(), options)).toMatchObject({
      maxBodyBytes: 1_048_576,
      dedupeWindowMs: 7 * DAY_MS,
    })
  })
})

describe('the order of a source', () => {
  const ordered = provider({
    envelopes: [
      {
        name: 'sample',
        id: [{ json: ['id'] }],
        type: { json: ['type'] },
        orderingKey: [{ json: ['account'] }],
      },
    ],
  })

  it('is not asked for by default', () => {
    expect(defineSource(ordered)).toMatchObject({
      orderBy: undefined,
      onDead: undefined,
      onConflict: 'hold',
      ack: 'stored',
    })
    expect(defineSource(ordered, { orderBy: false }).onDead).toBeUndefined()
  })

  it("is by the provider's key, a place or several of one's own", () => {
    expect(defineSource(ordered, { orderBy: true })).toMatchObject({ orderBy: undefined, onDead: 'block' })
    expect(defineSource(provider(), { orderBy: { header: 'x-id' }, onDead: 'continue' })).toMatchObject({
      orderBy: [{ header: 'x-id' }],
      onDead: 'continue',
    })
    const places = [{ json: ['a'] }, { query: 'b' }] as const
    expect(defineSource(provider(), { orderBy: places }).orderBy).toEqual(places)
  })

  it("is by the provider's key where any of its envelopes has one", () => {
    const { envelopes } = provider()
    const source = defineSource(provider({ envelopes: [...envelopes, ...ordered.envelopes] }), {
      orderBy: true,
    })
    expect(source).toMatchObject({ orderBy: undefined, onDead: 'block' })
  })

  it.each<readonly [string, object, RegExp]>([
    [
      "true without a provider's key",
      { orderBy: true },
      /orderBy: true, but its requests name no ordering key/,
    ],
    ['no place at all', { orderBy: [] }, /orderBy must be true, or places.*: got \[\]/],
    ['a path as text', { orderBy: 'data.id' }, /orderBy must be true, or places.*: got "data.id"/],
    ['null', { orderBy: null }, /orderBy must be/],
    ['a number', { orderBy: 1 }, /orderBy must be/],
    ['an empty path', { orderBy: { json: [] } }, /orderBy must be/],
    ['a path that is text', { orderBy: { json: 'id' } }, /orderBy must be/],
    ['a path with an empty name', { orderBy: { json: ['data', ''] } }, /orderBy must be/],
    ['a path with a number', { orderBy: { json: ['data', 0] } }, /orderBy must be/],
    ['an empty header', { orderBy: { header: '' } }, /orderBy must be/],
    ['an empty query', { orderBy: { query: '' } }, /orderBy must be/],
    ['an unknown kind of place', { orderBy: { body: 'id' } }, /orderBy must be/],
    ['a field of the signature', { orderBy: { field: 't' } }, /orderBy must be/],
    ['one bad place among good ones', { orderBy: [{ json: ['id'] }, {}] }, /orderBy must be/],
    ['onDead without order', { onDead: 'block' }, /onDead is of use only with orderBy/],
    [
      'onDead with order refused',
      { orderBy: false, onDead: 'continue' },
      /onDead is of use only with orderBy/,
    ],
    [
      'an unknown onDead',
      { orderBy: { json: ['id'] }, onDead: 'skip' },
      /onDead must be one of block, continue/,
    ],
    ['an unknown onConflict', { onConflict: 'drop' }, /onConflict must be one of hold, dispatch/],
    ['an unknown ack', { ack: 'never' }, /ack must be one of stored, handled/],
  ])('is refused: %s', (_, options, message) => {
    expect(() => defineSource(provider(), options as SourceOptions)).toThrow(badConfig)
    expect(() => defineSource(provider(), options as SourceOptions)).toThrow(message)
  })
})

describe('the dedupe window', () => {
  it('is as long as the provider may send again, where that is longer than a week', () => {
    expect(defineSource(provider({ retryHorizonMs: 30 * DAY_MS })).dedupeWindowMs).toBe(30 * DAY_MS)
    expect(defineSource(provider({ retryHorizonMs: 3 * DAY_MS })).dedupeWindowMs).toBe(7 * DAY_MS)
  })

  it('is what the source says, even shorter than the provider may send again', () => {
    expect(
      defineSource(provider({ retryHorizonMs: 30 * DAY_MS }), { dedupeWindowMs: DAY_MS }).dedupeWindowMs,
    ).toBe(DAY_MS)
  })

  it('has to be longer than twice the default tolerance', () => {
    expect(() => defineSource(provider(), { dedupeWindowMs: 600_000 })).toThrow(badConfig)
    expect(defineSource(provider(), { dedupeWindowMs: 602_000 }).dedupeWindowMs).toBe(602_000)
  })

  it("has to be longer than twice the source's tolerance", () => {
    expect(() => defineSource(provider(), { toleranceSeconds: 3.5 * 86_400 })).toThrow(badConfig)
    expect(() => defineSource(provider(), { toleranceSeconds: 3600, dedupeWindowMs: 3_600_000 })).toThrow(
      badConfig,
    )
    expect(defineSource(provider(), { toleranceSeconds: 0, dedupeWindowMs: 2000 }).dedupeWindowMs).toBe(2000)
  })

  // The scheme's tolerance is what `check` uses where the source has none; the window is held against 300 s instead.
  it("has to be longer than twice the scheme's tolerance", () => {
    const patient = { ...scheme, timestamp: { ...scheme.timestamp!, toleranceSeconds: 3600 } }
    expect(() => defineSource(provider({ schemes: [patient] }), { dedupeWindowMs: 3_600_000 })).toThrow(
      badConfig,
    )
  })

  // Whole seconds are compared, so a request signed at the far end is fresh for 601 s less a moment.
  it('has to cover the whole of the last second', () => {
    expect(() => defineSource(provider(), { dedupeWindowMs: 600_500 })).toThrow(badConfig)
  })
})

describe('a scheme that looks protected and is not', () => {
  it('is refused for a timestamp that is not signed', () => {
    expect(withScheme({ content: ['body'] })).toThrow(badScheme)
    expect(withScheme({ content: ['body'] })).toThrow(/anyone could renew it/)
  })

  it('is refused for a timestamp that only looks signed', () => {
    expect(withScheme({ content: [{ literal: 'timestamp' }, 'body'] })).toThrow(badScheme)
    expect(withScheme({ content: [{ header: 'x-other' }, 'body'] })).toThrow(badScheme)
  })

  it('is refused for an id that is not signed', () => {
    expect(withScheme({ id: { in: { header: 'x-id' } } })).toThrow(badScheme)
  })

  it('is refused for signing nothing, or nowhere', () => {
    const { timestamp: _, ...untimed } = scheme
    const source = (parts: Partial<Scheme>): unknown =>
      defineSource(provider({ schemes: [{ ...untimed, ...parts }] }))
    expect(() => source({ content: [] })).toThrow(badScheme)
    expect(() => source({ content: ['body'], signature: { in: [], encoding: 'hex' } })).toThrow(badScheme)
  })

  it('is refused beside a sound one', () => {
    const unsound = { ...scheme, content: ['body'] } as const
    expect(() => defineSource(provider({ schemes: [scheme, unsound] }))).toThrow(badScheme)
  })

  // schemes.md §4 rule 5: an id that may hold its own separator lets the boundary shift (see check.test.ts).
  it('is refused for an id that may contain the separator after it', () => {
    expect(withScheme({ ...standardWebhooks, id: { in: { header: 'webhook-id' } } })).toThrow(badScheme)
  })

  // "Header names in lower case", says Place; with a capital letter no request ever verifies.
  it('is refused for a header name that no request can match', () => {
    expect(withScheme({ signature: { in: [{ header: 'X-Signature' }], encoding: 'hex' } })).toThrow(badScheme)
  })
})

describe('an id of an envelope', () => {
  it('is signed where it is in a signed body', () => {
    expect(idSigned([{ json: ['id'] }])).toBe(true)
    expect(idSigned([{ json: ['id'] }], [standardWebhooks])).toBe(true)
  })

  it('is not signed in a body that is not', () => {
    expect(idSigned([{ json: ['id'] }], [{ ...scheme, content: ['timestamp'] }])).toBe(false)
  })

  it('is not signed in a header that is not', () => {
    expect(idSigned([{ header: 'x-id' }])).toBe(false)
    expect(idSigned([{ header: 'webhook-id' }])).toBe(false)
  })

  it('is signed in the header of the signed id, and in one that the content names', () => {
    expect(idSigned([{ header: 'webhook-id' }], [standardWebhooks])).toBe(true)
    const naming: Scheme = { ...scheme, content: ['timestamp', { header: 'x-id' }, 'body'] }
    expect(idSigned([{ header: 'x-id' }], [naming])).toBe(true)
  })

  it('is signed only if every scheme of the provider signs it', () => {
    expect(idSigned([{ header: 'webhook-id' }], [standardWebhooks, scheme])).toBe(false)
    expect(idSigned([{ json: ['id'] }], [standardWebhooks, scheme])).toBe(true)
  })

  it('is signed only if every one of its places is', () => {
    expect(idSigned([{ json: ['id'] }, { json: ['sequence'] }])).toBe(true)
    expect(idSigned([{ json: ['id'] }, { header: 'x-sequence' }])).toBe(false)
  })

  it('is not signed by a field or a query that has its name', () => {
    expect(idSigned([{ query: 'id' }])).toBe(false)
    expect(idSigned([{ field: 'id' }])).toBe(false)
  })
})

describe('the secrets of a source', () => {
  it('may be missing, and then it can verify nothing', () => {
    expect(hasSecret(defineSource(provider()))).toBe(false)
    expect(hasSecret(defineSource(provider(), { secret: '' }))).toBe(false)
    expect(hasSecret(defineSource(provider(), { secret: [' ', undefined] }))).toBe(false)
    expect(hasSecret(defineSource(provider(), { secret: [undefined, SECRET] }))).toBe(true)
  })

  it('are complained of when short, without being shown', () => {
    const { warnings } = defineSource(provider(), { secret: ['hunter2', SECRET] })
    expect(warnings).toHaveLength(1)
    expect(warnings.join()).not.toContain('hunter2')
  })

  it('fail at construction where they cannot be decoded', () => {
    const decoding = { ...scheme, key: { as: 'hex' } as const }
    expect(() => defineSource(provider({ schemes: [decoding] }), { secret: SECRET })).toThrow(
      expect.objectContaining({ code: 'bad_secret' }),
    )
  })

  it('are seen nowhere when a source is logged', () => {
    const source = defineSource(provider(), { secret: [SECRET, `${SECRET}-2`] })
    const shown = [
      JSON.stringify(source),
      inspect(source, { showHidden: true, depth: Infinity }),
      JSON.stringify({
        ...source,
        schemes: source.schemes.map((keyed) => ({ ...keyed, keys: { ...keyed.keys } })),
      }),
    ].join('\n')
    expect(shown).not.toContain(SECRET)
    expect(shown).not.toContain(Buffer.from(SECRET).toString('base64').slice(0, 12))
  })
})
