import { describe, expect, it } from 'vitest'
import { further, isAuthentic, nearer, REASONS, type Reason } from './reason.ts'

type Outcome = { readonly ok: true; readonly by: string } | { readonly ok: false; readonly reason: Reason }

const refused = (reason: Reason): Outcome => ({ ok: false, reason })
const accepted = (by: string): Outcome => ({ ok: true, by })
/** Every outcome, from the one that got least far to the one that got furthest. */
const RANKED = [...REASONS.map(refused), accepted('first')]

describe('further', () => {
  it('is the one that got further, in any order', () => {
    for (const [rank, outcome] of RANKED.entries()) {
      for (const lesser of RANKED.slice(0, rank)) {
        expect(further(lesser, outcome)).toBe(outcome)
        expect(further(outcome, lesser)).toBe(outcome)
      }
    }
    expect(further(refused('missing_header'), refused('stale'))).toEqual(refused('stale'))
  })

  it('is the first of two that got as far', () => {
    const [first, second] = [accepted('first'), accepted('second')]
    expect(further(first, second)).toBe(first)
    expect(further(second, first)).toBe(second)
  })
})

describe('nearer', () => {
  it('is the one that got less far, in any order', () => {
    for (const [rank, outcome] of RANKED.entries()) {
      for (const lesser of RANKED.slice(0, rank)) {
        expect(nearer(lesser, outcome)).toBe(lesser)
        expect(nearer(outcome, lesser)).toBe(lesser)
      }
    }
    expect(nearer(refused('stale'), refused('missing_header'))).toEqual(refused('missing_header'))
  })

  it('is the first of two that got as far', () => {
    const [first, second] = [accepted('first'), accepted('second')]
    expect(nearer(first, second)).toBe(first)
    expect(nearer(second, first)).toBe(second)
  })
})

describe('isAuthentic', () => {
  it('holds for what has a good signature, and for nothing else', () => {
    expect(REASONS.filter(isAuthentic)).toEqual(['stale', 'future', 'malformed_body'])
  })
})
