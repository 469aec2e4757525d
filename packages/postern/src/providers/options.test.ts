import { assert as assertProperty, constantFrom, property } from 'fast-check'
import * as jose from 'jose'
import { describe, expect, test } from 'vitest'
import * as catalogue from './index.ts'

type Factory = (options?: unknown) => { readonly provider: { readonly name: string } }

const factories = Object.entries<unknown>(catalogue).filter(
  (entry): entry is [string, Factory] => typeof entry[1] === 'function',
)
const factoryOf = new Map<string, Factory>(factories)

/** What a factory cannot do without. */
const NEEDED: Readonly<Record<string, object>> = {
  custom: {
    scheme: {
      algorithm: 'hmac-sha256',
      key: { as: 'utf8' },
      signature: { in: [{ header: 'x-signature' }], encoding: 'hex' },
      content: ['body'],
    },
    envelope: { id: [] },
  },
  coreweaveAlerts: { header: 'x-signature' },
  eventgridEntra: { jose, tenantId: '00000000-0000-4000-8000-000000000000' },
  googlePubsub: { jose },
}

/** Never an option of any kind. `undefined` is one that was left out. */
const NO_OPTION: Readonly<Record<string, unknown>> = {
  null: null,
  'a number below 0': -1,
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  'a symbol': Symbol('x'),
  'a list of null': [null],
  'a list of a number': [5],
  'a list of a list': [['x']],
}
const LEFT_OUT = [undefined]
const BLANK = ' '

/** Options that every source has. A secret may be blank, as a variable that is not set, and a list of those. */
const SHARED = [
  'secret',
  'toleranceSeconds',
  'maxBodyBytes',
  'dedupeWindowMs',
  'orderBy',
  'onDead',
  'onConflict',
  'ack',
]

/** Options of a provider's own, without those that are secrets by another name. */
const OWN: Readonly<Record<string, readonly string[]>> = {
  awsSns: ['signatureVersions', 'confirm', 'fetch'],
  basicAuth: ['id', 'type'],
  castaiNotifications: ['header', 'authScheme', 'id', 'type'],
  contentful: ['path'],
  coreweaveAlerts: ['header', 'encoding', 'prefix', 'content', 'timestamp', 'id', 'type'],
  custom: ['name', 'title', 'documentation'],
  eventgrid: ['parameter', 'header', 'handshake'],
  eventgridEntra: ['tenantId', 'handshake', 'fetch'],
  googlePubsub: ['serviceAccount', 'fetch'],
  grafana: ['header', 'timestampHeader'],
  httpMessageSignatures: ['algorithm', 'keyFormat', 'components', 'tag', 'origin'],
  hubspot: ['targetUrl'],
  hubspotV2: ['targetUrl'],
  okta: ['header', 'handshake'],
  paypal: ['fetch', 'trustedCertificates'],
  square: ['notificationUrl'],
  trello: ['callbackUrl', 'handshake'],
  twilio: ['webhookUrl'],
  wandb: ['id', 'type'],
  asana: ['handshake'],
  cloudevents: ['handshake'],
  dropbox: ['handshake'],
  meta: ['handshake'],
  msgraph: ['handshake'],
  notion: ['handshake'],
  x: ['handshake'],
}
/** Secrets by another name: what is blank is absent. */
const SECRETS: Readonly<Record<string, string>> = {
  awsSns: 'topicArn',
  eventgridEntra: 'audience',
  googlePubsub: 'audience',
  paypal: 'webhookId',
  wandb: 'accessToken',
}
/** A tag may be a space, for it is compared as it is. */
const MAY_BE_BLANK = ['secret', 'tag']

function refusalOf(factory: string, options: unknown): unknown {
  try {
    factoryOf.get(factory)?.(options)
    return undefined
  } catch (error) {
    return error
  }
}

function refusedFor(factory: string, option: string, value: unknown): void {
  const refusal = refusalOf(factory, { ...NEEDED[factory], [option]: value })
  expect(refusal).toMatchObject({ name: 'PosternError', code: 'bad_config' })
  expect((refusal as Error).message).toMatch(new RegExp(`^[a-z0-9-]+: ${option}\\b`))
}

describe('options that are no object are refused, and named so', () => {
  test.each(factories.map(([name]) => name))('%s', (name) => {
    const given: readonly unknown[] = [
      null,
      'text',
      '',
      5,
      Number.NaN,
      true,
      [],
      [undefined],
      () => 1,
      Symbol('x'),
      5n,
    ]
    for (const each of given)
      expect(refusalOf(name, each)).toMatchObject({
        code: 'bad_config',
        message: expect.stringMatching(/^[a-z0-9-]+: options must be an object$/),
      })
  })

  test('as `vastai(null)` is', () => {
    expect(() => catalogue.vastai(null as never)).toThrow('vastai: options must be an object')
    expect(() => catalogue.vastai('text' as never)).toThrow('vastai: options must be an object')
  })
})

describe('an option that is none of its kind is refused by its name', () => {
  const everywhere = factories.flatMap(([name]) => SHARED.map((option) => [name, option] as const))
  const own = Object.entries(OWN).flatMap(([name, options]) =>
    options.map((option) => [name, option] as const),
  )

  test('of every provider’s, by every kind', () => {
    const hasNoSecret = Object.keys(SECRETS)
    assertProperty(
      property(
        constantFrom(...everywhere, ...own),
        constantFrom(...Object.values(NO_OPTION), BLANK, LEFT_OUT),
        ([name, option], value) => {
          if (option === 'secret' && hasNoSecret.includes(name)) return
          if (value === BLANK && MAY_BE_BLANK.includes(option)) return
          if (value === LEFT_OUT && option === 'secret') return
          refusedFor(name, option, value)
        },
      ),
      { numRuns: 3000 },
    )
  })

  test.each(own)('of %s: %s', (name, option) => {
    for (const value of [...Object.values(NO_OPTION), LEFT_OUT]) refusedFor(name, option, value)
    if (!MAY_BE_BLANK.includes(option)) refusedFor(name, option, BLANK)
  })

  test.each(Object.entries(SECRETS))('of %s: %s, where a blank one is absent', (name, option) => {
    for (const value of Object.values(NO_OPTION)) refusedFor(name, option, value)
    for (const value of [BLANK, LEFT_OUT, ['']])
      expect(refusalOf(name, { ...NEEDED[name], [option]: value })).toBeUndefined()
  })

  test.each([
    ['components', [undefined]],
    ['components', ['@method', undefined]],
    ['algorithm', 'rot13'],
    ['keyFormat', 'latin1'],
  ])('of httpMessageSignatures, for which it refused every request: %s', (option, value) =>
    refusedFor('httpMessageSignatures', option, value),
  )

  test.each([
    ['token', 5],
    ['origins', 'eventgrid.azure.net'],
    ['origins', [undefined]],
    ['keep', true],
    ['kept', {}],
    ['keepMore', 1],
  ])('of a handshake: %s', (option, value) => {
    const refusal = refusalOf('notion', { handshake: { [option]: value } })
    expect((refusal as Error).message).toMatch(new RegExp(`^notion: handshake: ${option} must be `))
  })
})

test('nothing is refused that is left out', () => {
  for (const [name] of factories) {
    const options = [...SHARED, ...(OWN[name] ?? [])].filter((option) => !(option in (NEEDED[name] ?? {})))
    const leftOut = Object.fromEntries(options.map((option) => [option, undefined]))
    expect(refusalOf(name, { ...leftOut, ...NEEDED[name] })).toBeUndefined()
  }
})
