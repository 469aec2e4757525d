import { execFileSync } from 'node:child_process'
import { describe, expect, expectTypeOf, it } from 'vitest'
import {
  defineSource,
  sign,
  verify,
  type Provider,
  type Source,
  type Verdict,
  type WebhookEvent,
} from '../core/index.ts'
import { verifyRequest } from '../core/verify.ts'
import { fingerprintOf, type DedupeRecord, type NewEvent } from '../inbox/index.ts'
import { newEvent } from '../receive/new-event.ts'
import type { On, Registration } from '../worker/index.ts'
import {
  anima,
  castai,
  coreweave,
  custom,
  providers as allProviders,
  templateProviders as providers,
  vastai,
  type AnimaLabsNotification,
  type TemplateData,
  type VastNotification,
} from './index.ts'
import { sampleOf, samples, type Sample } from './samples/index.ts'

const SECRET = 'whsec_a secret of the providers, in UTF-8: ü'
const NOW_MS = 1_772_490_001_000
const NOW = '1772490001'
const ISO = '2026-03-02T22:20:01.000Z'
const now = (): number => NOW_MS

const sources: Readonly<Record<string, Source>> = {
  vastai: vastai({ secret: SECRET }),
  castai: castai({ secret: SECRET }),
  coreweave: coreweave({ secret: SECRET }),
  anima: anima({ secret: SECRET }),
}

/** HMAC-SHA256 as the OpenSSL command line makes it: no line of ours is in it. */
function openssl(content: Uint8Array | string, secret = SECRET): string {
  const printed = execFileSync('openssl', ['dgst', '-sha256', '-hmac', secret], { input: content })
  return printed.toString().trim().split(' ').at(-1)!
}

function signedText(timestamp: string, body: Uint8Array | string): Uint8Array {
  return Buffer.concat([Buffer.from(`${timestamp}.`), Buffer.from(body)])
}

/** Headers as each vendor's own text has them; `template` is that of the guides. */
const headersOf: Readonly<Record<string, (body: Uint8Array | string) => Record<string, string>>> = {
  'vast-signature-256': (body) => ({
    'Content-Type': 'application/json',
    'X-Vast-Event-Id': '7e9a2c4e6f9e4a24a53b77c2d8e3f0aa',
    'X-Vast-Delivery-Attempt': '1',
    'X-Vast-Timestamp': NOW,
    'X-Vast-Signature-256': `sha256=${openssl(signedText(NOW, body))}`,
  }),
  'anima-labs-v1': (body) => ({
    'X-Anima-Event': 'message.received',
    'X-Anima-Delivery-Id': 'dlv_1',
    'X-Anima-Timestamp': ISO,
    'X-Anima-Signature': `v1=${openssl(signedText(ISO, body))}`,
  }),
  'vastai-template': (body) => template('vastai', body),
  'castai-template': (body) => template('castai', body),
  'coreweave-template': (body) => template('coreweave', body),
  'anima-template': (body) => template('anima', body),
}

/** What the store would remember an event by. */
function keysOf(event: NewEvent): readonly DedupeRecord[] {
  return fingerprintOf(event).records
}

function template(vendor: string, body: Uint8Array | string): Record<string, string> {
  return { [`x-${vendor}-signature`]: openssl(signedText(NOW, body)), [`x-${vendor}-timestamp`]: NOW }
}

function arrive(
  vendor: string,
  scheme: string,
  body: Uint8Array | string,
  source = sources[vendor]!,
): Promise<Verdict> {
  return verify({ headers: headersOf[scheme]!(body), body: Buffer.from(body) }, source, { now })
}

const everyScheme = providers.flatMap((provider) =>
  provider.schemes.map((scheme) => ({ vendor: provider.name, scheme: scheme.name })),
)

describe('requests that the openssl command line signed', () => {
  it('are known for every scheme of every provider', () => {
    expect(everyScheme.map(({ scheme }) => scheme).toSorted()).toEqual(Object.keys(headersOf).toSorted())
    expect(providers.map(({ name }) => name)).toEqual(['vastai', 'castai', 'coreweave', 'anima'])
  })

  const bodies: readonly [string, Uint8Array | string][] = [
    [
      "the template's event",
      '{"id":"evt_1","type":"resource.created","data":{"a":1},"created":"2026-03-02T22:20:00Z"}',
    ],
    ["the guides' sample without an id", '{"type":"resource.created","data":{}}'],
    ["the guides' test line", '{"type":"test","data":{}}'],
    ['white space and line breaks', '{\n  "id" : "evt_1",\r\n\t"type": "t"\n}\n'],
    ['text beyond ASCII', '{"id":"evt_é","type":"t","text":"Grüße 🎉 \\u00fc"}'],
    ['dollar signs', '{"id":"evt_$$","type":"t","text":"$& $1 $` {body}"}'],
    [
      'a byte that is no UTF-8',
      Buffer.concat([Buffer.from('{"id":"a","type":"t","x":"'), Buffer.of(0xff), Buffer.from('"}')]),
    ],
  ]

  it.each(everyScheme.flatMap((each) => bodies.map(([what, body]) => ({ ...each, what, body }))))(
    'verify: $scheme with $what',
    async ({ vendor, scheme, body }) => {
      const verdict = await arrive(vendor, scheme, body)
      expect(verdict).toMatchObject({ ok: true, scheme, secretIndex: 0, event: { source: vendor } })
      expect(verdict.ok && Buffer.compare(verdict.event.body, Buffer.from(body))).toBe(0)
    },
  )

  it.each(everyScheme)(
    'are refused with another byte, secret or time: $scheme',
    async ({ vendor, scheme }) => {
      const body = '{"id":"evt_1","type":"t"}'
      const headers = headersOf[scheme]!(body)
      const other = { headers, body: Buffer.from('{"id":"evt_2","type":"t"}') }
      const own = { headers, body: Buffer.from(body) }
      const stranger = defineSource(sources[vendor]!.provider, { secret: 'another secret, long enough' })
      expect(await verify(other, sources[vendor]!, { now })).toEqual({
        ok: false,
        reason: 'signature_mismatch',
      })
      expect(await verify(own, stranger, { now })).toEqual({ ok: false, reason: 'signature_mismatch' })
      expect(await verify(own, sources[vendor]!, { now: () => NOW_MS + 301_000 })).toMatchObject({
        reason: 'stale',
      })
      expect(await verify(own, sources[vendor]!, { now: () => NOW_MS - 301_000 })).toMatchObject({
        reason: 'future',
      })
    },
  )

  it.each(everyScheme)(
    'are refused without any one of the headers that count: $scheme',
    async ({ vendor, scheme }) => {
      const headers = Object.entries(headersOf[scheme]!('{"id":"a","type":"t"}'))
      const counting = headers.filter(([name]) => /signature|timestamp/i.test(name))
      expect(counting).toHaveLength(2)
      for (const dropped of counting) {
        const left = headers.filter((pair) => pair !== dropped)
        const verdict = await verify(
          { headers: left, body: Buffer.from('{"id":"a","type":"t"}') },
          sources[vendor]!,
          { now },
        )
        expect(verdict.ok).toBe(false)
      }
    },
  )

  it.each(everyScheme)(
    'verify by an older secret while one is rotated: $scheme',
    async ({ vendor, scheme }) => {
      const rotating = defineSource(sources[vendor]!.provider, {
        secret: ['the new secret, just made', SECRET],
      })
      expect(await arrive(vendor, scheme, '{"id":"a","type":"t"}', rotating)).toMatchObject({
        ok: true,
        secretIndex: 1,
      })
    },
  )

  it.each(everyScheme)('are what sign makes: $scheme', ({ vendor, scheme }) => {
    const body = '{"id":"evt_1","type":"t"}'
    const documented = new Headers(headersOf[scheme]!(body))
    const made = sign(sources[vendor]!, { body, nowMs: NOW_MS, scheme })
    expect(Object.entries(made)).toEqual(Object.keys(made).map((name) => [name, documented.get(name)]))
    expect(Object.keys(made)).toHaveLength(2)
  })

  it.each(everyScheme)(
    'do not verify with the prefix of another scheme: $scheme',
    async ({ vendor, scheme }) => {
      const body = '{"id":"a","type":"t"}'
      const headers = Object.fromEntries(
        Object.entries(headersOf[scheme]!(body)).map(([name, value]) => [
          name,
          /signature/i.test(name) ? `sha512=${value.replace(/^.*=/, '')}` : value,
        ]),
      )
      const verdict = await verify({ headers, body: Buffer.from(body) }, sources[vendor]!, { now })
      expect(verdict.ok).toBe(false)
    },
  )
})

describe("Vast.ai's documented notification", () => {
  const body = `{ "event_id": "7e9a2c4e6f9e4a24a53b77c2d8e3f0aa", "user_id": 123, "notif_type": "low_credit",
  "subject": "Warning - Your Vast.ai Credit Balance Is Getting Low",
  "message": "Your Vast.ai balance is below your configured threshold.", "timestamp": 1772490000.123 }`

  it('is read with its own id, type and time, and is its own data', async () => {
    const verdict = await arrive('vastai', 'vast-signature-256', body)
    expect(verdict).toMatchObject({
      ok: true,
      scheme: 'vast-signature-256',
      event: {
        id: '7e9a2c4e6f9e4a24a53b77c2d8e3f0aa',
        type: 'low_credit',
        created: new Date(1_772_490_000_123),
        data: JSON.parse(body) as unknown,
      },
    })
  })

  it('takes its id from the signed body, whatever the unsigned headers say', async () => {
    const headers = {
      ...headersOf['vast-signature-256']!(body),
      'X-Vast-Event-Id': 'chosen by an attacker',
      'X-Vast-Delivery-Attempt': '999999',
    }
    const verdict = await verify({ headers, body: Buffer.from(body) }, sources['vastai']!, { now })
    expect(verdict).toMatchObject({ ok: true, event: { id: '7e9a2c4e6f9e4a24a53b77c2d8e3f0aa' } })
  })

  it('of a type that nobody has heard of is accepted', async () => {
    const unheard =
      '{"event_id":"a","notif_type":"gpu_idle_24h","subject":"","message":"","user_id":1,"timestamp":1}'
    expect(await arrive('vastai', 'vast-signature-256', unheard)).toMatchObject({
      ok: true,
      event: { id: 'a', type: 'gpu_idle_24h', created: new Date(1000) },
    })
  })
})

describe("Anima Labs' event", () => {
  const flat =
    '{"event":"message.received","occurredAt":"2026-03-02T22:20:00.5Z","messageId":"msg_1","agentId":"agt_1"}'
  const nested = '{"event":"message.received","data":{"messageId":"msg_1"}}'

  it('is read flat', async () => {
    expect(await arrive('anima', 'anima-labs-v1', flat)).toMatchObject({
      ok: true,
      scheme: 'anima-labs-v1',
      event: {
        id: 'dlv_1',
        type: 'message.received',
        created: new Date('2026-03-02T22:20:00.500Z'),
        data: { messageId: 'msg_1' },
      },
    })
  })

  it('is read with its fields under data, as a whole', async () => {
    expect(await arrive('anima', 'anima-labs-v1', nested)).toMatchObject({
      ok: true,
      event: {
        id: 'dlv_1',
        type: 'message.received',
        data: { event: 'message.received', data: { messageId: 'msg_1' } },
      },
    })
  })

  it('without its delivery id has the digest of its body for one', async () => {
    const { 'X-Anima-Delivery-Id': _, ...headers } = headersOf['anima-labs-v1']!(flat)
    const verdict = await verify({ headers, body: Buffer.from(flat) }, sources['anima']!, { now })
    expect(verdict).toMatchObject({ ok: true, event: { type: 'message.received' } })
    expect(verdict.ok && verdict.event.id).toMatch(/^sha256:[0-9a-f]{64}$/)
  })

  it('verifies with any RFC 3339 time, signed as it is written', async () => {
    for (const written of [
      '2026-03-02T22:20:01Z',
      '2026-03-02T23:20:01.123456789+01:00',
      '2026-03-02t22:20:01z',
    ]) {
      const headers = {
        'x-anima-timestamp': written,
        'x-anima-signature': `v1=${openssl(signedText(written, flat))}`,
      }
      expect(await verify({ headers, body: Buffer.from(flat) }, sources['anima']!, { now })).toMatchObject({
        ok: true,
      })
    }
  })

  it('does not verify with the time of the template, nor the template with its', async () => {
    const labs = { 'x-anima-timestamp': NOW, 'x-anima-signature': `v1=${openssl(signedText(NOW, flat))}` }
    const ours = { 'x-anima-timestamp': ISO, 'x-anima-signature': openssl(signedText(ISO, flat)) }
    for (const headers of [labs, ours]) {
      const verdict = await verify({ headers, body: Buffer.from(flat) }, sources['anima']!, { now })
      expect(verdict).toEqual({ ok: false, reason: 'malformed_timestamp' })
    }
  })

  it('is guarded by its body as well, since the id is not signed', () => {
    const first = record('anima', headersOf['anima-labs-v1']!(flat), flat)
    const again = record(
      'anima',
      { ...headersOf['anima-labs-v1']!(flat), 'X-Anima-Delivery-Id': 'dlv_2' },
      flat,
    )
    expect(keysOf(first).map(({ kind }) => kind)).toEqual(['id', 'body'])
    expect(keysOf(again)[0]).not.toEqual(keysOf(first)[0])
    expect(keysOf(again)[1]).toEqual(keysOf(first)[1])
  })
})

describe("the guides' sample without an id", () => {
  it.each(['vastai', 'castai', 'coreweave', 'anima'])(
    'has a digest for its id, and is guarded by it: %s',
    async (vendor) => {
      const body = '{"type":"resource.created","data":{}}'
      const verdict = await arrive(vendor, `${vendor}-template`, body)
      expect(verdict).toMatchObject({
        ok: true,
        event: { type: 'resource.created', data: {}, created: undefined },
      })
      expect(verdict.ok && verdict.event.id).toBe(
        `sha256:${execFileSync('openssl', ['dgst', '-sha256'], { input: body }).toString().trim().split(' ').at(-1)}`,
      )
      expect(
        keysOf(record(vendor, headersOf[`${vendor}-template`]!(body), body)).map(({ kind }) => kind),
      ).toEqual(['body'])
    },
  )
})

describe("a capture replayed under the other scheme's headers", () => {
  it.each([
    '{"event_id":"7e9a","notif_type":"outbid","timestamp":1}',
    '{"id":"evt_1","type":"resource.created","data":{}}',
    '{"event_id":"7e9a","notif_type":"outbid","id":"evt_1","type":"resource.created"}',
    '{"type":"resource.created","data":{}}',
    '[]',
  ])('is the same event: %s', (body) => {
    const own = record('vastai', headersOf['vast-signature-256']!(body), body)
    const renamed = record('vastai', headersOf['vastai-template']!(body), body)
    expect(own.verifiedBy).toBe('vast-signature-256')
    expect(renamed).toEqual({ ...own, verifiedBy: 'vastai-template', headers: renamed.headers })
  })

  it('with both signatures at once is that event as well', () => {
    const body = '{"event_id":"7e9a","notif_type":"outbid"}'
    const both = { ...headersOf['vast-signature-256']!(body), ...headersOf['vastai-template']!(body) }
    expect(keysOf(record('vastai', both, body))).toEqual(
      keysOf(record('vastai', headersOf['vastai-template']!(body), body)),
    )
  })

  it('at another source is another event', () => {
    const body = '{"id":"evt_1","type":"t"}'
    expect(keysOf(record('castai', headersOf['castai-template']!(body), body))).not.toEqual(
      keysOf(record('coreweave', headersOf['coreweave-template']!(body), body)),
    )
  })
})

describe('providers as data', () => {
  it.each(providers.map((provider) => [provider.name, provider] as const))(
    'come through JSON unchanged, and verify: %s',
    async (name, provider) => {
      const again = JSON.parse(JSON.stringify(provider)) as Provider
      expect(again).toEqual(provider)
      const source = defineSource(again, { secret: SECRET })
      for (const { name: scheme } of again.schemes) {
        expect(await arrive(name, scheme, '{"id":"evt_1","type":"t"}', source)).toMatchObject({
          ok: true,
          scheme,
        })
      }
    },
  )

  it.each(providers.map((provider) => [provider.name, provider] as const))(
    'keep to the form: %s',
    (_, provider) => {
      expect(provider.name).toMatch(/^[a-z0-9_-]{1,64}$/)
      expect(provider.documentation).toMatch(/^https:\/\//)
      const names = [...provider.schemes, ...provider.envelopes].map(({ name }) => name)
      expect(new Set(names).size).toBe(names.length)
      const places = JSON.stringify(provider).match(/"header":"[^"]*"/g) ?? []
      expect(places.filter((place) => place !== place.toLowerCase())).toEqual([])
    },
  )

  it('warn of a secret under 16 bytes, and start without one', () => {
    expect(vastai({ secret: 'short' }).warnings).toHaveLength(1)
    expect(vastai({ secret: '' }).schemes.every(({ keys }) => keys.size === 0)).toBe(true)
    expect(vastai().warnings).toEqual([])
  })
})

describe('samples', () => {
  const every = providers.flatMap(({ name: vendor }) =>
    samples.get(vendor)!.map((sample) => ({ vendor, type: sample.type, sample })),
  )
  const occurrence = { id: '0123456789abcdef0123456789abcdef', nowMs: NOW_MS }

  async function send(vendor: string, sample: Sample): Promise<Verdict> {
    const { body, headers } = sample.build(occurrence)
    const signature = sign(sources[vendor]!, { body, headers, nowMs: NOW_MS, scheme: sample.scheme })
    return verify({ headers: { ...headers, ...signature }, body: Buffer.from(body) }, sources[vendor]!, {
      now,
    })
  }

  it('are there for every provider', () => {
    expect([...samples.keys()].toSorted()).toEqual(allProviders.map(({ name }) => name).toSorted())
    expect([...samples.values()].every((list) => list.length > 0)).toBe(true)
  })

  it.each(every)(
    'verify under their own scheme, with their own type: $vendor $type',
    async ({ vendor, type, sample }) => {
      expect(await send(vendor, sample)).toMatchObject({ ok: true, scheme: sample.scheme, event: { type } })
    },
  )

  it.each(every)('are signed as their own sender signs: $vendor $type', ({ vendor, type, sample }) => {
    const isOfTemplate = type.startsWith('resource.')
    const ownScheme = providers.find(({ name }) => name === vendor)?.schemes[0]?.name
    expect(sample.scheme).toBe(isOfTemplate ? `${vendor}-template` : ownScheme)
  })

  it.each(every)('carry an id and a time that can be read: $vendor $type', async ({ vendor, sample }) => {
    const verdict = await send(vendor, sample)
    expect(verdict.ok && verdict.event.id).toContain(occurrence.id)
    expect(verdict.ok && verdict.event.created?.getTime()).toBe(NOW_MS)
  })

  it.each(every)(
    'are one event for one occurrence, another for another: $vendor $type',
    ({ vendor, sample }) => {
      const keys = (id: string): unknown => {
        const { body, headers } = sample.build({ id, nowMs: NOW_MS })
        const signature = sign(sources[vendor]!, { body, headers, nowMs: NOW_MS, scheme: sample.scheme })
        return keysOf(record(vendor, { ...headers, ...signature }, body))
      }
      expect(keys(occurrence.id)).toEqual(keys(occurrence.id))
      expect(keys(occurrence.id)).not.toEqual(keys(occurrence.id.replaceAll('0', 'f')))
    },
  )

  it('can be made for a type that has none', async () => {
    expect(await send('castai', sampleOf('castai', 'node.deleted')!)).toMatchObject({
      ok: true,
      event: { type: 'node.deleted' },
    })
    expect(sampleOf('nobody', 'x')).toBeUndefined()
  })
})

describe('a custom source', () => {
  it('takes the scheme and the envelope without their names', async () => {
    const source = custom({
      secret: SECRET,
      scheme: {
        algorithm: 'hmac-sha256',
        key: { as: 'utf8' },
        signature: { in: [{ header: 'x-hub-signature-256' }], prefix: 'sha256=', encoding: 'hex' },
        content: ['body'],
      },
      envelope: { id: [{ header: 'x-github-delivery' }], type: { header: 'x-github-event' } },
    })
    const headers = {
      'X-Hub-Signature-256': `sha256=${openssl('{}')}`,
      'X-GitHub-Delivery': 'd',
      'X-GitHub-Event': 'ping',
    }
    expect(await verify({ headers, body: Buffer.from('{}') }, source, { now })).toMatchObject({
      ok: true,
      scheme: 'custom',
      event: { source: 'custom', id: 'd', type: 'ping', data: {} },
    })
  })
})

type Configured = {
  readonly vast: ReturnType<typeof vastai>
  readonly labs: ReturnType<typeof anima>
  readonly cast: ReturnType<typeof castai>
  readonly own: Source
}

/** Only its type matters here; the tests of the worker show what it does. */
const on: On<Configured> = (source, type, handler) =>
  ({ source, type, handler, destination: 'handlers' }) as unknown as Registration

describe('handlers are typed by their sources', () => {
  it('by the provider and the type of the event', () => {
    on('vast', 'outbid', (event) => {
      expectTypeOf(event).toEqualTypeOf<WebhookEvent<'outbid', VastNotification>>()
      expectTypeOf(event.type).toEqualTypeOf<'outbid'>()
    })
    on('vast', 'resource.created', (event) => expectTypeOf(event.data).toEqualTypeOf<TemplateData>())
    on('labs', 'message.received', (event) => expectTypeOf(event.data).toEqualTypeOf<AnimaLabsNotification>())
    on('cast', 'resource.deleted', (event) => expectTypeOf(event.data).toEqualTypeOf<TemplateData>())
  })

  it('with unknown data where the type is not known, or is any', () => {
    on('vast', 'gpu_idle', (event) => expectTypeOf(event.data).toEqualTypeOf<unknown>())
    on('cast', 'outbid', (event) => expectTypeOf(event.data).toEqualTypeOf<unknown>())
    on('vast', '*', (event) => {
      expectTypeOf(event.data).toEqualTypeOf<unknown>()
      expectTypeOf(event.type).toEqualTypeOf<string>()
    })
    on('own', 'anything', (event) => expectTypeOf(event.data).toEqualTypeOf<unknown>())
  })

  it('so that a wrong source or a wrong field does not compile', () => {
    // @ts-expect-error no source of that name is configured
    on('vastai', 'outbid', () => undefined)
    // @ts-expect-error a notification has no such field
    on('vast', 'outbid', (event) => event.data.price)
    // @ts-expect-error unknown data has to be looked at first
    on('vast', 'gpu_idle', (event) => event.data.subject)
    // @ts-expect-error this source sends no such data
    on('cast', 'resource.created', (event: WebhookEvent<'resource.created', VastNotification>) => event.id)
    expect(() =>
      on('vast', 'outbid', (event, { signal, attempt }) => [event.data.subject, signal, attempt]),
    ).not.toThrow()
  })

  it('and a refused verdict has no event to hand over', () => {
    expectTypeOf<Extract<Verdict, { ok: false }>>().not.toHaveProperty('event')
    expectTypeOf<Extract<Verdict, { ok: true }>['event']>().toEqualTypeOf<WebhookEvent>()
  })
})

/** What the store would be given. */
function record(
  vendor: string,
  headers: Readonly<Record<string, string>>,
  body: string,
): ReturnType<typeof newEvent> {
  const request = {
    method: 'POST',
    url: '',
    headers: Object.entries(headers).flat(),
    body: Buffer.from(body),
  }
  const verdict = verifyRequest(request, sources[vendor]!, NOW_MS)
  if (!verdict.ok) throw new Error(`${vendor} refused it: ${verdict.reason}`)
  return newEvent(vendor, sources[vendor]!, request, verdict, [])
}
