import { NonRetryableError, RetryAfterError } from 'postern'
import { describe, expect, test } from 'vitest'
import { outcomeOf, type AttemptOutcome, type RetryOn } from './outcome.ts'
import type { Sent } from './target.ts'

function outcome(sent: Partial<Sent & { readonly kind: 'answered' }>, retryOn?: RetryOn): AttemptOutcome {
  const answered: Sent = { kind: 'answered', status: 200, retryAfter: undefined, excerpt: '', ...sent }
  return outcomeOf(answered, { retryOn, nowMs: 0, random: () => 0 })
}

function kindOf({ error }: AttemptOutcome): string {
  if (error === undefined) return 'taken'
  return error instanceof NonRetryableError ? 'final' : 'again'
}

describe('by default', () => {
  test.each([
    [200, 'taken', 'well'],
    [202, 'taken', 'well'],
    [204, 'taken', 'well'],
    [299, 'taken', 'well'],
    [300, 'again', 'ill'],
    [301, 'again', 'ill'],
    [304, 'again', 'ill'],
    [308, 'again', 'ill'],
    [400, 'again', 'well'],
    [401, 'again', 'well'],
    [404, 'again', 'well'],
    [408, 'again', 'ill'],
    [409, 'again', 'well'],
    [410, 'final', 'well'],
    [422, 'again', 'well'],
    [429, 'again', 'ill'],
    [500, 'again', 'ill'],
    [503, 'again', 'ill'],
    [599, 'again', 'ill'],
    [999, 'again', 'ill'],
  ])('%i is %s, and its target %s', (status, kind, target) => {
    const result = outcome({ status })
    expect([kindOf(result), result.end.target]).toEqual([kind, target])
  })
})

test('retryOn says it for every status but 2xx', () => {
  const kinds = (retryOn: RetryOn): string[] =>
    [200, 302, 404, 410, 429, 500, 503].map((status) => kindOf(outcome({ status }, retryOn)))
  expect(kinds([])).toEqual(['taken', 'final', 'final', 'final', 'final', 'final', 'final'])
  expect(kinds(['5xx', 429])).toEqual(['taken', 'final', 'final', 'final', 'again', 'again', 'again'])
  expect(kinds(['3xx', '4xx'])).toEqual(['taken', 'again', 'again', 'again', 'again', 'final', 'final'])
})

describe('Retry-After', () => {
  test('chooses the wait, and rests the target where all of it is meant', () => {
    const busy = outcome({ status: 429, retryAfter: '30' })
    expect([busy.error, (busy.error as RetryAfterError).afterMs]).toEqual([
      expect.any(RetryAfterError),
      30_000,
    ])
    expect(busy.end.restMs).toBe(30_000)
    expect(outcome({ status: 503, retryAfter: '30' }).end.restMs).toBe(30_000)
    const one = outcome({ status: 409, retryAfter: '30' })
    expect([(one.error as RetryAfterError).afterMs, one.end.restMs]).toEqual([30_000, undefined])
  })

  test('changes nothing about what is final or taken', () => {
    expect(kindOf(outcome({ status: 410, retryAfter: '30' }))).toBe('final')
    expect(outcome({ status: 202, retryAfter: '30' }).end).toEqual({ target: 'well' })
  })
})

test('an error says the status and what the target said to it', () => {
  expect(outcome({ status: 500 }).error?.message).toBe('HTTP 500')
  expect(outcome({ status: 500, excerpt: 'out of order' }).error?.message).toBe('HTTP 500: out of order')
})

test('no answer is tried again, whatever retryOn says', () => {
  const sent: Sent = {
    kind: 'failed',
    error: new Error('x'),
    text: 'the connection was refused',
    isBrokenOff: false,
  }
  const result = outcomeOf(sent, { retryOn: [], nowMs: 0, random: () => 0 })
  expect([kindOf(result), result.end.target, result.error?.message]).toEqual([
    'again',
    'ill',
    'the connection was refused',
  ])
})
