import * as fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { holdsSecret } from './stray-secret.ts'

const found = (text: string, secret: string): boolean => holdsSecret(Buffer.from(text), Buffer.from(secret))

describe('holdsSecret', () => {
  it.each([
    ['alone', 'secret', 'secret'],
    ['at the beginning', 'secret and more', 'secret'],
    ['at the end', 'more and secret', 'secret'],
    ['in between', 'a secret of b', 'secret'],
    ['behind a beginning of itself', 'sesecret', 'secret'],
    ['twice', 'secret, secret', 'secret'],
    ['of one byte', 'abc', 'c'],
    ['of two bytes a character', 'grüße', 'üß'],
  ])('finds one %s', (_, text, secret) => {
    expect(found(text, secret)).toBe(true)
  })

  it.each([
    ['in nothing', '', 'secret'],
    ['in less than it', 'secre', 'secret'],
    ['of no bytes', 'text', ''],
    ['in its parts', 'sec ret', 'secret'],
    ['in its letters, in another order', 'tercestercesterces', 'secret'],
    ['in other capitals', 'SECRET', 'secret'],
  ])('finds none %s', (_, text, secret) => {
    expect(found(text, secret)).toBe(false)
  })

  it('finds what `includes` finds', () => {
    const bytes = fc.uint8Array({ max: 2, maxLength: 60 })
    fc.assert(
      fc.property(bytes, fc.uint8Array({ max: 2, minLength: 1, maxLength: 6 }), (text, secret) => {
        expect(holdsSecret(text, secret)).toBe(Buffer.from(text).includes(Buffer.from(secret)))
      }),
      { numRuns: 2000 },
    )
  })

  // A place that is compared takes longer: where that happened for what nearly fits, the secret could be guessed by it.
  it.each([
    ['its beginnings', 'secresecresecre secre sec', 0],
    ['its ends', 'ecretecretecret cret et t', 0],
    ['its letters in every order', 'tercesretcesecersttercse', 0],
    ['its sum and its last letter', 'escret scerte serect ecrset', 0],
    ['it, once', 'sec secret ret', 1],
    ['it, twice', 'secretsecret', 2],
  ])('compares no place of a text with %s, but where the secret stands', (_, text, times) => {
    const bytes = Buffer.from(text)
    const compared = vi.spyOn(bytes, 'subarray')
    holdsSecret(bytes, Buffer.from('secret'))
    expect(compared).toHaveBeenCalledTimes(times)
  })

  // The Thue–Morse sequence and its complement, of 2⁸ letters, differ by the product of b^(2^i) - 1 for i under 8, which
  // 2³² divides for every odd b: their hashes are the same by every base.
  it('is not deceived by what has the same hash', () => {
    const isOdd = (n: number): boolean => n.toString(2).replaceAll('0', '').length % 2 === 1
    const letters = Array.from({ length: 256 }, (_, index) => isOdd(index))
    const [secret, other] = [true, false].map((odd) =>
      letters.map((each) => (each === odd ? 'a' : 'b')).join(''),
    ) as [string, string]
    expect(found(other, secret)).toBe(false)
    expect(found(`x${other}`, secret)).toBe(false)
    expect(found(`${secret}x${other}`, secret)).toBe(true)
    expect(found(`x${secret}x${other}`, secret)).toBe(true)
    const bytes = Buffer.from(`x${other}x`)
    const compared = vi.spyOn(bytes, 'subarray')
    holdsSecret(bytes, Buffer.from(secret))
    expect(compared).toHaveBeenCalledOnce()
  })

  it('looks at views of longer buffers', () => {
    const whole = Buffer.from('a secret, and more')
    expect(holdsSecret(whole.subarray(2, 8), Buffer.from('secret'))).toBe(true)
    expect(holdsSecret(whole.subarray(3, 9), Buffer.from('secret'))).toBe(false)
  })
})
