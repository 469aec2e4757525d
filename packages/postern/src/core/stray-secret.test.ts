import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
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

  it('looks at views of longer buffers', () => {
    const whole = Buffer.from('a secret, and more')
    expect(holdsSecret(whole.subarray(2, 8), Buffer.from('secret'))).toBe(true)
    expect(holdsSecret(whole.subarray(3, 9), Buffer.from('secret'))).toBe(false)
  })
})
