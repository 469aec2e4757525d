import { describe, expect, test } from 'vitest'
import { REASONS, type Reason } from '../core/index.ts'
import type { RefusalReason } from '../inbox/index.ts'
import { answerTo, DUPLICATE, RECEIVED } from './answer.ts'

/** Every reason there is: one that is added without a status does not compile. */
const STATUS: Readonly<Record<Reason | RefusalReason, number>> = {
  missing_header: 401,
  duplicate_header: 401,
  malformed_header: 401,
  bad_encoding: 401,
  malformed_timestamp: 401,
  malformed_id: 401,
  missing_content: 401,
  missing_secret: 401,
  duplicate_secret: 401,
  untrusted_key_url: 401,
  untrusted_certificate: 401,
  unknown_key: 401,
  not_covered: 401,
  digest_mismatch: 401,
  secret_mismatch: 401,
  signature_mismatch: 401,
  not_for_us: 401,
  stale: 401,
  future: 401,
  malformed_body: 400,
  unknown_source: 404,
  method_not_allowed: 405,
  body_too_large: 413,
  no_secret: 503,
  key_unavailable: 503,
  body_already_parsed: 503,
  client_disconnected: 503,
  overloaded: 503,
  store_unavailable: 503,
  stopping: 503,
  in_progress: 503,
  handler_failed: 503,
  internal_error: 503,
}
const ALL = Object.entries(STATUS) as [Reason | RefusalReason, number][]
const withStatus = (wanted: number): (Reason | RefusalReason)[] =>
  ALL.filter(([, status]) => status === wanted).map(([reason]) => reason)

test('the table below has every reason of a verification', () => {
  expect(Object.keys(STATUS)).toEqual(expect.arrayContaining([...REASONS]))
})

describe('the answer to a refusal', () => {
  test.each(ALL)('for %s is %i', (reason, status) => {
    expect(answerTo(reason).status).toBe(status)
  })

  test.each(withStatus(401))('for %s is the same as for any other that is not authentic', (reason) => {
    expect(answerTo(reason)).toEqual({
      status: 401,
      headers: { 'content-type': 'application/json', 'content-length': '29' },
      body: '{"error":"Invalid signature"}',
    })
  })

  test.each(withStatus(503))('for %s asks to come again after whole seconds', (reason) => {
    expect(answerTo(reason).headers['retry-after']).toMatch(/^[1-9]\d*$/)
  })

  test.each(withStatus(503))('for %s does not say what is wrong with us', (reason) => {
    expect(answerTo(reason).body).toBe('{"error":"Temporarily unavailable"}')
  })

  test('for another method names the one that is allowed', () => {
    expect(answerTo('method_not_allowed').headers['allow']).toBe('POST')
  })

  test.each(ALL)('for %s never tells the reason', (reason) => {
    expect(answerTo(reason).body).not.toContain(reason)
  })

  test.each(ALL)('for %s is never one that a sender takes for moved, gone or slow down', (reason) => {
    const { status } = answerTo(reason)
    expect(Math.floor(status / 100)).not.toBe(3)
    expect([410, 415, 429]).not.toContain(status)
  })

  test.each(ALL)('for %s is JSON of the length it says', (reason) => {
    const { headers, body } = answerTo(reason)
    expect(JSON.parse(body)).toHaveProperty('error')
    expect(headers['content-type']).toBe('application/json')
    expect(headers['content-length']).toBe(String(Buffer.byteLength(body)))
  })
})

describe("a provider's own status for what is not authentic", () => {
  test.each(withStatus(401))('is given for %s, with the body that says nothing', (reason) => {
    const answer = answerTo(reason, { notAuthentic: 400 })
    expect(answer).toEqual({ ...answerTo(reason), status: 400 })
  })

  test.each(ALL.filter(([, status]) => status !== 401))('is not given for %s', (reason, status) => {
    expect(answerTo(reason, { notAuthentic: 400 })).toEqual(answerTo(reason))
    expect(answerTo(reason, { notAuthentic: 400 }).status).toBe(status)
  })

  test.each(withStatus(401))('is the usual one where it names none: %s', (reason) => {
    expect(answerTo(reason, {})).toEqual(answerTo(reason))
  })
})

test('a recorded event is answered as the seeds answer it', () => {
  expect(RECEIVED).toMatchObject({ status: 200, body: '{"received":true}' })
})

test('an event that was recorded before is answered 200 too, and says so', () => {
  expect(DUPLICATE).toMatchObject({ status: 200, body: '{"received":true,"duplicate":true}' })
})
