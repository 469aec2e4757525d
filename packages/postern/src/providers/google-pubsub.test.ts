import * as jose from 'jose'
import { describe, expect, it } from 'vitest'
import type { Jose, TokenScheme } from '../core/index.ts'
import { googlePubsub } from './google-pubsub.ts'

const AUDIENCE = 'https://example.com/push'

const claimsOf = (serviceAccount?: string | readonly string[]): TokenScheme['claims'] => {
  const options = serviceAccount === undefined ? {} : { serviceAccount }
  const { schemes } = googlePubsub({ jose, audience: AUDIENCE, ...options }).provider
  return (schemes as readonly TokenScheme[])[0]?.claims
}

describe('a source for Pub/Sub', () => {
  it('wants a verified address, and that of the service account where one is named', () => {
    expect(claimsOf()).toEqual({ email_verified: true })
    expect(claimsOf('a@b.example')).toEqual({ email_verified: true, email: 'a@b.example' })
    expect(claimsOf(['a@b.example', 'c@b.example'])).toEqual({
      email_verified: true,
      email: ['a@b.example', 'c@b.example'],
    })
  })

  it('says that bodies are not signed, and who may send', () => {
    const warnings = googlePubsub({ jose, audience: AUDIENCE }).warnings.join('\n')
    expect(warnings).toContain('the body is not signed')
    expect(warnings).toContain('any Google account')
    expect(googlePubsub({ jose, audience: AUDIENCE, serviceAccount: 'a' }).warnings.join()).not.toContain(
      'any Google',
    )
  })

  it('cannot be made without the package that reads tokens', () => {
    expect(() => googlePubsub({ jose: undefined as unknown as Jose, audience: AUDIENCE })).toThrow(
      /npm install jose/,
    )
  })
})
