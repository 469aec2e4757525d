/** Which schemes a request must satisfy, with methods that answer what the test says. */
import { describe, expect, it } from 'vitest'
import { byEverySecret, byOneSecret, secretNamesOf } from './authenticate.ts'
import type { CheckResult } from './check.ts'
import { hmacs } from './hmac-method.ts'
import { Keyring } from './keyring.ts'
import type { KeyedScheme, SoundMethod } from './method.ts'
import type { Reason } from './reason.ts'
import type { Scheme } from './scheme.ts'

const REQUEST = { method: 'POST', url: '/', headers: [], body: new Uint8Array() }
const OPTIONS = { nowMs: 1, toleranceSeconds: 2 }
const NO_SECRET = { ok: false, reason: 'no_secret' }

interface Wishes {
  readonly verifiedBy?: string
  readonly secrets?: readonly string[]
}

/** A scheme with a method that answers this; asked for more than once, it throws. */
function scheme(
  name: string,
  answer: number | Reason,
  { verifiedBy, secrets = ['a'] }: Wishes = {},
): KeyedScheme {
  const result: CheckResult =
    typeof answer === 'number' ? { ok: true, secretIndex: answer } : { ok: false, reason: answer }
  let isAsked = false
  const method: SoundMethod = {
    ...(hmacs as SoundMethod),
    check: (own, keys, request, options) => {
      expect([own.name, keys.size, request, options, isAsked]).toEqual([
        name,
        secrets.length,
        REQUEST,
        OPTIONS,
        false,
      ])
      isAsked = true
      return result
    },
  }
  const own = { name, algorithm: 'hmac-sha256', ...(verifiedBy !== undefined && { verifiedBy }) } as Scheme
  return { scheme: own, keys: new Keyring(secrets, { as: 'utf8' }), method }
}

const NEVER = (): KeyedScheme => ({ ...scheme('never', 0), method: {} as SoundMethod })

describe('by one secret', () => {
  it('is any scheme that is satisfied, the first of them', () => {
    expect(byOneSecret([scheme('a', 3), NEVER()], REQUEST, OPTIONS)).toEqual({
      ok: true,
      scheme: 'a',
      secretIndex: 3,
    })
    expect(byOneSecret([scheme('a', 'stale'), scheme('b', 1)], REQUEST, OPTIONS)).toEqual({
      ok: true,
      scheme: 'b',
      secretIndex: 1,
    })
  })

  it('has else the reason of the one that got furthest', () => {
    const schemes = (): KeyedScheme[] => [
      scheme('a', 'missing_header'),
      scheme('b', 'stale'),
      scheme('c', 'bad_encoding'),
    ]
    expect(byOneSecret(schemes(), REQUEST, OPTIONS)).toEqual({ ok: false, reason: 'stale' })
    expect(byOneSecret(schemes().toReversed(), REQUEST, OPTIONS)).toEqual({ ok: false, reason: 'stale' })
  })

  it('passes over schemes without a key', () => {
    const without = { ...NEVER(), keys: new Keyring([], { as: 'utf8' }) }
    expect(byOneSecret([without, scheme('b', 0)], REQUEST, OPTIONS)).toMatchObject({ ok: true, scheme: 'b' })
    expect(byOneSecret([without], REQUEST, OPTIONS)).toEqual(NO_SECRET)
    expect(byOneSecret([], REQUEST, OPTIONS)).toEqual(NO_SECRET)
  })

  it('takes what was checked before', () => {
    const [first, second] = [NEVER(), scheme('b', 'stale')]
    const checked = new Map<Scheme, CheckResult>([[first.scheme, { ok: false, reason: 'future' }]])
    expect(byOneSecret([first, second], REQUEST, OPTIONS, checked)).toEqual({ ok: false, reason: 'future' })
  })
})

describe('by every secret', () => {
  const other = { verifiedBy: 'other' }

  it('is one scheme of each that is configured', () => {
    const both = [scheme('a', 'stale'), scheme('x', 2, other), scheme('b', 1)]
    expect(byEverySecret(both, REQUEST, OPTIONS)).toEqual({ ok: true, scheme: 'b+x', secretIndex: 1 })
    const one = [scheme('a', 1), scheme('x', 'stale', { ...other, secrets: [] })]
    expect(byEverySecret(one, REQUEST, OPTIONS)).toEqual({ ok: true, scheme: 'a', secretIndex: 1 })
  })

  it.each<readonly [number | Reason, number | Reason, Reason]>([
    [0, 'stale', 'stale'],
    ['stale', 0, 'stale'],
    ['missing_header', 'stale', 'missing_header'],
    ['stale', 'missing_header', 'missing_header'],
  ])('is not authentic with %j and %j: %s', (first, second, reason) => {
    const schemes = [scheme('a', first), scheme('x', second, other)]
    expect(byEverySecret(schemes, REQUEST, OPTIONS)).toEqual({ ok: false, reason })
  })

  it('is not authentic where none is configured', () => {
    expect(byEverySecret([], REQUEST, OPTIONS)).toEqual(NO_SECRET)
    expect(byEverySecret([scheme('a', 0, { secrets: [] })], REQUEST, OPTIONS)).toEqual(NO_SECRET)
  })

  it('takes what was checked before', () => {
    const first = NEVER()
    const checked = new Map<Scheme, CheckResult>([[first.scheme, { ok: true, secretIndex: 4 }]])
    expect(byEverySecret([first, scheme('x', 0, other)], REQUEST, OPTIONS, checked)).toEqual({
      ok: true,
      scheme: 'never+x',
      secretIndex: 4,
    })
  })
})

it('the secrets of schemes are named once each, as they come', () => {
  const schemes = [scheme('a', 0, { verifiedBy: 'x' }), scheme('b', 0), scheme('c', 0, { verifiedBy: 'x' })]
  expect(secretNamesOf(schemes)).toEqual(['x', 'secret'])
})
