import { describe, expect, it } from 'vitest'
import { furthest, isAuthentic, REASONS } from './reason.ts'

describe('furthest', () => {
  it('is the reason of the scheme that got furthest, in any order', () => {
    expect(furthest(['missing_header', 'stale', 'bad_encoding'])).toBe('stale')
    expect(furthest(['stale', 'missing_header'])).toBe('stale')
    expect(furthest(['missing_header', 'signature_mismatch'])).toBe('signature_mismatch')
  })

  it('knows the rank of every reason', () => {
    const [first, ...others] = REASONS
    expect(furthest([first, ...others])).toBe('malformed_body')
    expect(furthest(['malformed_body', ...others])).toBe('malformed_body')
  })
})

describe('isAuthentic', () => {
  it('holds for what has a good signature, and for nothing else', () => {
    expect(REASONS.filter(isAuthentic)).toEqual(['stale', 'future', 'malformed_body'])
  })
})
