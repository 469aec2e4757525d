/** Adyen's own library against ours, in both directions: payments, signed in the body, and the balance platform. */
import { hmacValidator } from '@adyen/api-library'
import { signRequest, verify } from 'postern'
import { adyen, adyenBanking } from 'postern/providers'
import { describe, expect, test } from 'vitest'
import { forge, NOW_MS, requestsOf } from './support/provider-libraries.ts'

const KEY = '00112233445566778899aabbccddeeff'.repeat(2)
const MISMATCH = { ok: false, reason: 'signature_mismatch' }
const validator = new hmacValidator()

type Item = Parameters<typeof validator.validateHMAC>[0]
interface Notification {
  readonly notificationItems: readonly [{ readonly NotificationRequestItem: Item }]
}

describe('payments', () => {
  const source = adyen({ secret: KEY })
  const requests = requestsOf('adyen').map(({ body, headers }) => ({ body, headers, type: typeOf(body) }))

  test.each(requests)('what is signed here is accepted, and not changed: $type', ({ body, headers }) => {
    const signed = Buffer.from(signRequest(source, { body, headers, nowMs: NOW_MS }).body).toString()
    expect(validator.validateHMAC(itemOf(signed), KEY)).toBe(true)
    for (const changed of changesOf(signed)) expect(validator.validateHMAC(itemOf(changed), KEY)).toBe(false)
  })

  test.each(requests)(
    'what the library signs verifies, and not changed: $type',
    async ({ body, headers }) => {
      const hmacSignature = validator.calculateHmac(itemOf(body), KEY)
      const signed = body.replace('"hmacSignature":""', `"hmacSignature":${JSON.stringify(hmacSignature)}`)
      expect(await verify({ headers, body: Buffer.from(signed) }, source)).toMatchObject({ ok: true })
      for (const changed of changesOf(signed))
        expect(await verify({ headers, body: Buffer.from(changed) }, source)).toEqual(MISMATCH)
    },
  )

  function itemOf(body: string): Item {
    return (JSON.parse(body) as Notification).notificationItems[0].NotificationRequestItem
  }

  function typeOf(body: string): string {
    return itemOf(body).eventCode
  }

  /** Eight members are signed; these are some of each kind. */
  function changesOf(body: string): readonly string[] {
    return [
      body.replace('"value":1130', '"value":1131'),
      body.replace('"success":"true"', '"success":"false"'),
      body.replace('TestMerchant', 'OtherMerchant'),
    ]
  }
})

describe('the balance platform', () => {
  const source = adyenBanking({ secret: KEY })
  const requests = requestsOf('adyen-banking')

  test('has samples', () => {
    expect(requests.length).toBeGreaterThan(1)
  })

  test.each(requests)('what is signed here is accepted, and not changed: $body', ({ body, headers }) => {
    const signature = signRequest(source, { body, headers, nowMs: NOW_MS }).headers['hmacsignature'] ?? ''
    expect(validator.validateHMACSignature(KEY, signature, body)).toBe(true)
    expect(validator.validateHMACSignature(KEY, signature, forge(body))).toBe(false)
  })

  test.each(requests)(
    'what the library signs verifies, and not changed: $body',
    async ({ body, headers }) => {
      const signed = { ...headers, hmacsignature: validator.calculateHmac(body, KEY) }
      expect(await verify({ headers: signed, body: Buffer.from(body) }, source)).toMatchObject({ ok: true })
      expect(await verify({ headers: signed, body: Buffer.from(forge(body)) }, source)).toEqual(MISMATCH)
    },
  )
})
