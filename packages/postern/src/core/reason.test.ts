import { describe, expect, it } from 'vitest'
import { furthest, isAuthentic, nearest, REASONS } from './reason.ts'

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

describe('nearest', () => {
  it('is the reason of what got least far, in any order', () => {
    expect(nearest(['stale'])).toBe('stale')
    expect(nearest(['stale', 'missing_header', 'bad_encoding'])).toBe('missing_header')
    expect(nearest(['missing_header', 'stale'])).toBe('missing_header')
    expect(nearest(['malformed_body', 'signature_mismatch'])).toBe('signature_mismatch')
  })

  it('knows the rank of every reason', () => {
    const [last, ...others] = REASONS.toReversed() as [...typeof REASONS]
    expect(nearest([last, ...others])).toBe('body_too_large')
    for (const reason of REASONS.slice(1)) expect(nearest([reason, 'body_too_large'])).toBe('body_too_large')
  })
})

describe('isAuthentic', () => {
  it('holds for what has a good signature, and for nothing else', () => {
    expect(REASONS.filter(isAuthentic)).toEqual(['stale', 'future', 'malformed_body'])
  })
})
