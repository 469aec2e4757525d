import { describe, expect, it } from 'vitest'
import { Keyring } from './keyring.ts'
import type { Scheme } from './scheme.ts'
import { assertApart, sharedStaticSecret } from './secrets-apart.ts'

const SECRET = 'a secret that must be of one use'
const OTHER = 'another secret, of another use'

const signing: Scheme = {
  name: 'signing',
  algorithm: 'hmac-sha256',
  key: { as: 'utf8' },
  signature: { in: [{ header: 'x-signature' }], encoding: 'hex' },
  content: ['body'],
}

const sending: Scheme = { name: 'sending', algorithm: 'static-secret', secret: { header: 'x-token' } }

interface WithKeys {
  readonly scheme: Scheme
  readonly keys: Keyring
}

function keyed(scheme: Scheme, ...secrets: readonly string[]): WithKeys {
  return { scheme, keys: new Keyring(secrets, { as: 'utf8' }) }
}

function named(scheme: Scheme, verifiedBy: string): Scheme {
  return { ...scheme, verifiedBy }
}

describe('the secrets of one source', () => {
  it('may not be the same under two names, and both names are told', () => {
    const same = (): void =>
      assertApart('sample', [keyed(signing, OTHER, SECRET), keyed(named(sending, 'token'), SECRET)])
    expect(same).toThrow(expect.objectContaining({ code: 'bad_secret' }))
    expect(same).toThrow(
      "sample: 'secret' and 'token' are the same secret; one that is sent as it is must not be one that signs",
    )
  })

  it('may not be the same under any two of three names', () => {
    const schemes = [
      keyed(named(signing, 'a'), 'one'),
      keyed(named(signing, 'b'), 'two'),
      keyed(named(signing, 'c'), 'three', 'two'),
    ]
    expect(() => assertApart('sample', schemes)).toThrow(/'b' and 'c' are the same/)
    expect(() => assertApart('sample', schemes.slice(0, 2))).not.toThrow()
  })

  it('are one where schemes have the same name for it, and may be listed twice', () => {
    expect(() =>
      assertApart('sample', [keyed(signing, SECRET, SECRET), keyed(signing, SECRET)]),
    ).not.toThrow()
  })

  it('may differ, or be absent', () => {
    expect(() =>
      assertApart('sample', [keyed(signing, SECRET), keyed(named(sending, 'token'), OTHER)]),
    ).not.toThrow()
    expect(() => assertApart('sample', [keyed(signing), keyed(named(sending, 'token'))])).not.toThrow()
    expect(() => assertApart('sample', [])).not.toThrow()
  })
})

describe('a secret that is sent as it is', () => {
  type Sources = readonly (readonly [string, { readonly schemes: readonly WithKeys[] }])[]
  const [sends, signs] = [{ schemes: [keyed(sending, SECRET)] }, { schemes: [keyed(signing, SECRET)] }]
  const neither = { schemes: [keyed(signing, OTHER)] }

  it.each<readonly [string, Sources]>([
    [
      'the first sends and the second signs',
      [
        ['a', sends],
        ['b', signs],
      ],
    ],
    [
      'the first signs and the second sends',
      [
        ['a', signs],
        ['b', sends],
      ],
    ],
    [
      'both send',
      [
        ['a', sends],
        ['b', sends],
      ],
    ],
    [
      'others stand before and between them',
      [
        ['x', neither],
        ['a', sends],
        ['y', neither],
        ['b', signs],
      ],
    ],
    [
      'there is a third',
      [
        ['a', signs],
        ['b', sends],
        ['c', sends],
      ],
    ],
    [
      'it is the older of several, of another scheme than the first',
      [
        ['a', { schemes: [keyed(signing, OTHER), keyed(named(sending, 'token'), 'newer', SECRET)] }],
        ['b', { schemes: [keyed(signing, 'newest', SECRET)] }],
      ],
    ],
  ])('is found to be of two sources: %s', (_, sources) => {
    expect(sharedStaticSecret(sources)).toEqual(['a', 'b'])
    expect(sharedStaticSecret(new Map(sources))).toEqual(['a', 'b'])
  })

  it.each<readonly [string, Sources]>([
    ['there are none', []],
    ['there is one', [['a', sends]]],
    [
      'both sign',
      [
        ['a', signs],
        ['b', signs],
      ],
    ],
    [
      'they differ',
      [
        ['a', sends],
        ['b', neither],
      ],
    ],
    ['one source has two schemes for it', [['a', { schemes: [...sends.schemes, ...sends.schemes] }]]],
    [
      'no secret is set',
      [
        ['a', { schemes: [keyed(sending)] }],
        ['b', { schemes: [keyed(signing)] }],
      ],
    ],
    [
      'what is shared is another secret, which signs in both',
      [
        ['a', { schemes: [keyed(sending, SECRET), keyed(named(signing, 'b'), OTHER)] }],
        ['b', { schemes: [keyed(signing, OTHER)] }],
      ],
    ],
  ])('is of one source alone: %s', (_, sources) => {
    expect(sharedStaticSecret(sources)).toBeUndefined()
  })
})
