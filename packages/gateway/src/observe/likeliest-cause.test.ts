import { sign, type WebhookRequest } from 'postern'
import { github, stripe } from 'postern/providers'
import { expect, test } from 'vitest'
import { LikeliestCause } from './likeliest-cause.ts'

const SECRET = 'a-secret-of-16-bytes-or-more'
const sources = {
  github: github({ secret: 'another-of-16-bytes-or-more' }),
  stripe: stripe({ secret: SECRET }),
}

function causes(now = (): number => 0): LikeliestCause {
  return new LikeliestCause({
    sources: () => sources,
    sourceOf: (name) => (name === 'github' ? sources.github : undefined),
    now,
  })
}

function request(body = '{}'): WebhookRequest {
  const headers = Object.entries(sign(github({ secret: SECRET }), { body, nowMs: 0 })).flat()
  return { method: 'POST', url: '/', headers, body: Buffer.from(body) }
}

test('names the likeliest cause, in one line', () => {
  expect(causes().of('github', 'signature_mismatch', request())).toBe(
    'because secret_of_another_source: it verifies with the secret of the source stripe',
  )
})

test.each([
  ['a request without a signature', 'github', 'missing_header', request()],
  ['a source that is not there', 'nobody', 'signature_mismatch', request()],
  ['a body that is long', 'github', 'signature_mismatch', request('a'.repeat(64 * 1024 + 1))],
] as const)('says nothing of %s', (_, name, reason, refused) => {
  expect(causes().of(name, reason, refused)).toBeUndefined()
})

test('says it a few times a second, and again in the next', () => {
  let nowMs = 5000
  const cause = causes(() => nowMs)
  const said = (): number =>
    Array.from({ length: 10 }, () => cause.of('github', 'signature_mismatch', request())).filter(Boolean)
      .length
  expect(said()).toBe(4)
  expect(said()).toBe(0)
  nowMs += 1000
  expect(said()).toBe(4)
})
