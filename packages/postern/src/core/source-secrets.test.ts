import { describe, expect, it } from 'vitest'
import { byEverySecret, byOneSecret } from './authenticate.ts'
import { hmacs } from './hmac-method.ts'
import type { Method } from './method.ts'
import type { Provider } from './provider.ts'
import type { Scheme } from './scheme.ts'
import {
  defineHmacSource,
  defineSource,
  defineSourceBy,
  defineSoundSource,
  hasSecret,
  withSecret,
  type Source,
} from './source.ts'
import { bodyScheme as hmac } from '../../../../test/support/body-scheme.ts'

const SECRET = 'a secret of sixteen bytes or more'
const TOKEN = 'a token that is sent as it is'
const WEAK = 'a signing secret is shorter than 16 bytes and may be guessed; make a longer one'

const sent: Scheme = {
  name: 'sent',
  algorithm: 'static-secret',
  secret: { header: 'x-token' },
  verifiedBy: 'token',
}

function provider(schemes: readonly Scheme[], parts: Partial<Provider> = {}): Provider {
  const envelope = { name: 'own', id: [{ header: 'x-id' }], type: { json: ['type'] } }
  return { name: 'sample', title: 'Sample', schemes, envelopes: [envelope], ...parts }
}

const request = { method: 'POST', url: '/', headers: [], body: new Uint8Array() }

function keysOf(source: Source, scheme: string): string[] {
  const keys: string[] = []
  source.schemes
    .find((each) => each.scheme.name === scheme)
    ?.keys.forEach((key) => keys.push(Buffer.from(key).toString()))
  return keys
}

describe('the secrets of a source with two', () => {
  const both = provider([hmac, sent, { ...sent, name: 'sent-too' }])

  it('go to the schemes that are verified by them', () => {
    const source = defineSource(both, { secret: SECRET, otherSecrets: { token: [TOKEN, ''] } })
    expect([keysOf(source, 'hmac'), keysOf(source, 'sent'), keysOf(source, 'sent-too')]).toEqual([
      [SECRET],
      [TOKEN],
      [TOKEN],
    ])
  })

  it('verify something as soon as there is one', () => {
    expect(hasSecret(defineSource(both, { secret: SECRET }))).toBe(true)
    expect(hasSecret(defineSource(both, { otherSecrets: { token: TOKEN } }))).toBe(true)
    expect(hasSecret(defineSource(both))).toBe(false)
    expect(hasSecret(defineSource(provider([])))).toBe(false)
  })

  it.each([
    ['that no scheme is verified by', 'tokens'],
    ['that has an option of its own', 'secret'],
  ])('have no name %s', (_, name) => {
    const source = (): unknown => defineSource(both, { otherSecrets: { [name]: TOKEN } })
    expect(source).toThrow(
      expect.objectContaining({
        code: 'bad_config',
        message: `sample: no scheme is verified by the secret '${name}'`,
      }),
    )
  })

  it('are those that are given, not what every object has', () => {
    const source = defineSource(provider([{ ...sent, verifiedBy: 'constructor' }]))
    expect([hasSecret(source), source.authenticate(source.schemes, request, { nowMs: 0 })]).toEqual([
      false,
      { ok: false, reason: 'no_secret' },
    ])
  })

  it('are refused where one that no scheme asks for is no text', () => {
    const secret = 42 as unknown as string
    expect(() => defineSource(provider([sent]), { secret, otherSecrets: { token: TOKEN } })).toThrow(
      expect.objectContaining({ code: 'bad_config', message: 'sample: secret must be text' }),
    )
  })

  it.each([42, null, {}, [SECRET, 42], [null]])('are refused where one is no text: %j', (value) => {
    const bad = (message: string): unknown => expect.objectContaining({ code: 'bad_config', message })
    const secret = value as unknown as string
    expect(() => defineSource(both, { secret })).toThrow(bad('sample: secret must be text'))
    expect(() => defineSource(both, { otherSecrets: { token: secret } })).toThrow(
      bad('sample: token must be text'),
    )
    expect(() => withSecret(defineSource(both), secret)).toThrow(bad('sample: secret must be text'))
  })

  it('are changed apart: the other stays, and nothing else changes', () => {
    const source = defineSource(both, { secret: SECRET, otherSecrets: { token: TOKEN }, maxBodyBytes: 7 })
    const changed = withSecret(source, ['a newer one, and as long', SECRET])
    expect(keysOf(changed, 'hmac')).toEqual(['a newer one, and as long', SECRET])
    expect(changed.schemes[1]).toBe(source.schemes[1])
    expect({ ...changed, schemes: [] }).toEqual({ ...source, schemes: [] })
    expect(keysOf(source, 'hmac')).toEqual([SECRET])
    expect(keysOf(withSecret(source, undefined), 'hmac')).toEqual([])
  })

  it('are held apart, at first and when one is changed', () => {
    const same = expect.objectContaining({ code: 'bad_secret' })
    expect(() => defineSource(both, { secret: TOKEN, otherSecrets: { token: TOKEN } })).toThrow(same)
    const source = defineSource(both, { secret: SECRET, otherSecrets: { token: TOKEN } })
    expect(() => withSecret(source, TOKEN)).toThrow(same)
    expect(() => withSecret(source, TOKEN)).toThrow(/^sample: /)
  })
})

describe('the warnings of a source', () => {
  const STATIC = expect.stringMatching(/whoever sees one can send others/)
  const both = provider([hmac, sent, { ...sent, name: 'sent-too' }], { warnings: ['of the provider'] })

  it.each([
    ['nothing', {}, []],
    ['a secret', { secret: SECRET }, []],
    ['a short one', { secret: 'short' }, [WEAK]],
    ['a short one beside a good one', { secret: [SECRET, 'short'] }, [WEAK]],
    ['a token', { otherSecrets: { token: TOKEN } }, [STATIC]],
    ['a short token', { otherSecrets: { token: 'short' } }, [WEAK, STATIC]],
    ['both', { secret: SECRET, otherSecrets: { token: TOKEN } }, []],
    ['both, the token short', { secret: SECRET, otherSecrets: { token: 'short' } }, [WEAK]],
  ])('are of what is configured, with %s', (_, options, own) => {
    expect(defineSource(both, options).warnings).toEqual([...own, 'of the provider'])
  })

  it('follow a change of the secret', () => {
    const source = defineSource(both, { secret: SECRET })
    expect(withSecret(source, 'short').warnings).toEqual([WEAK, 'of the provider'])
    expect(withSecret(source, undefined).warnings).toEqual(['of the provider'])
  })
})

describe('the method of a scheme', () => {
  const parse = (): unknown => ({ type: 'parsed' })
  const own: Method = { ...(hmacs as Method), algorithms: ['hmac-sha1'], signs: () => true, parse }
  const otherHmac = { ...hmac, name: 'other', algorithm: 'hmac-sha1' } as const

  it('says what it signs, where it signs otherwise than by its content', () => {
    const idSigned = (...schemes: readonly Scheme[]): unknown =>
      defineSourceBy([own, hmacs], provider(schemes)).envelopes[0]?.idSigned
    expect(idSigned(otherHmac)).toBe(true)
    expect(idSigned(hmac)).toBe(false)
    expect(idSigned(otherHmac, hmac)).toBe(false)
  })

  it('says how bodies are read, where they are not JSON', () => {
    expect(defineSourceBy([own, hmacs], provider([hmac, otherHmac])).parse).toBe(parse)
    expect(defineSourceBy([own, hmacs], provider([hmac])).parse).toBeUndefined()
  })

  it('is looked for among those given, which may be HMACs alone', () => {
    expect(defineHmacSource(provider([hmac]), { secret: SECRET }).schemes[0]?.method).toBe(hmacs)
    for (const define of [
      (): unknown => defineHmacSource(provider([sent])),
      (): unknown => defineSourceBy([], provider([hmac])),
    ]) {
      expect(define).toThrow(expect.objectContaining({ code: 'bad_scheme' }))
    }
  })
})

describe('the dedupe window', () => {
  const timed = (toleranceSeconds?: number): Scheme => ({
    ...hmac,
    timestamp: { in: { header: 'x-time' }, unit: 'seconds', ...(toleranceSeconds && { toleranceSeconds }) },
    content: ['timestamp', 'body'],
  })

  it.each<readonly [string, readonly Scheme[], number | undefined, number]>([
    ['300 s where nothing is said', [timed()], undefined, 601_000],
    ['300 s where no time is signed', [hmac], undefined, 601_000],
    [
      '300 s where the time of a scheme is left out',
      [{ ...hmac, timestamp: undefined } as unknown as Scheme],
      undefined,
      601_000,
    ],
    ['300 s where no scheme signs', [{ ...sent, verifiedBy: 'secret' }], undefined, 601_000],
    ['300 s where the scheme has less', [timed(60)], undefined, 601_000],
    ["the scheme's tolerance", [timed(), { ...timed(900), name: 'second' }], undefined, 1_801_000],
    ["the source's tolerance, though the scheme has more", [timed(900)], 10, 21_000],
    ["the source's tolerance of 0", [timed(900)], 0, 1000],
  ])('is longer than twice a tolerance and a second: %s', (_, schemes, toleranceSeconds, freshMs) => {
    const source = (dedupeWindowMs: number): Source =>
      defineSource(provider(schemes), {
        dedupeWindowMs,
        ...(toleranceSeconds !== undefined && { toleranceSeconds }),
      })
    expect(source(freshMs + 1).dedupeWindowMs).toBe(freshMs + 1)
    expect(() => source(freshMs)).toThrow(
      expect.objectContaining({
        code: 'bad_config',
        message: `sample: dedupeWindowMs (${freshMs}) must be longer than a captured request stays fresh (${freshMs} ms: twice the tolerance)`,
      }),
    )
  })

  it('is seven days, or as long as the provider may send again where that is longer', () => {
    const windowOf = (retryHorizonMs: number): number =>
      defineSource(provider([hmac], { retryHorizonMs })).dedupeWindowMs
    expect([0, 604_799_999, 604_800_000, 604_800_001].map(windowOf)).toEqual([
      604_800_000, 604_800_000, 604_800_000, 604_800_001,
    ])
  })
})

describe('a source that is taken for sound', () => {
  const timed = { ...hmac, timestamp: { in: { header: 'x-time' }, unit: 'seconds' } } as const

  it('is as any other, and nobody looks whether it is', () => {
    expect(() => defineSource(provider([timed]), { secret: SECRET })).toThrow(/anyone could renew it/)
    const source = defineSoundSource([hmacs], provider([timed]), { secret: [SECRET, TOKEN] })
    expect(source.schemes.map(({ scheme, keys, method }) => [scheme, keys.size, method])).toEqual([
      [timed, 2, hmacs],
    ])
    const looked = defineSource(provider([hmac]), { secret: SECRET, ack: 'handled' })
    expect(defineSoundSource([hmacs], provider([hmac]), { secret: SECRET, ack: 'handled' })).toEqual(looked)
  })

  it('asks for one secret; for every one that is configured where there are more', () => {
    expect(defineSoundSource([hmacs], provider([hmac]), {}).authenticate).toBe(byOneSecret)
    expect(defineSource(provider([hmac])).authenticate).toBe(byOneSecret)
    expect(defineSource(provider([hmac, sent])).authenticate).toBe(byEverySecret)
  })
})
