import { describe, expect, it } from 'vitest'
import { answeringHandshakes } from './answering-handshakes.ts'
import { PosternError } from './errors.ts'
import type { HandshakeOptions, OpenHandshakes } from './open-handshake.ts'
import type { OpenHandshake } from './provider.ts'
import { defineSource, type Source } from './source.ts'

const plain: OpenHandshake = { name: 'plain', method: 'HEAD', when: [], reply: { status: 200 } }
const withToken: OpenHandshake = { ...plain, name: 'token', token: { query: 'token' } }
const withOrigin: OpenHandshake = { ...plain, name: 'origin', origin: { header: 'x-origin' } }
const withSecret: OpenHandshake = { ...plain, name: 'secret', secret: { header: 'x-secret' } }

const keep = (): void => {}
const kept = (): readonly string[] => []

function sourceOf(...openHandshakes: readonly OpenHandshake[]): Source {
  return defineSource({ name: 'own', title: 'Own', schemes: [], envelopes: [], openHandshakes })
}

function answered(source: Source, options: HandshakeOptions | boolean): OpenHandshakes | undefined {
  return answeringHandshakes(source, options).handshake
}

/** What the source is refused with. */
function refusal(source: Source, options: HandshakeOptions | true): string {
  try {
    answeringHandshakes(source, options)
  } catch (error) {
    expect(error).toBeInstanceOf(PosternError)
    expect(error).toMatchObject({ code: 'bad_config' })
    return (error as Error).message
  }
  return 'taken'
}

describe('a source that answers handshakes', () => {
  it('is the same one where nothing says so', () => {
    const source = sourceOf(plain)
    expect(answeringHandshakes(source, undefined)).toBe(source)
    expect(answeringHandshakes(source, false)).toBe(source)
    const without = defineSource({ name: 'own', title: 'Own', schemes: [], envelopes: [] })
    expect(answeringHandshakes(without, undefined)).toBe(without)
  })

  it("has its provider's, and everything that it had", () => {
    const source = sourceOf(plain, withOrigin)
    const handshake = { rules: [plain, withOrigin], keepMore: false }
    expect(answeringHandshakes(source, true)).toStrictEqual({ ...source, handshake })
    expect(answeringHandshakes(source, {})).toStrictEqual({ ...source, handshake })
  })

  it('has the options that are given', () => {
    expect(answered(sourceOf(plain, withOrigin), { origins: ['a.example'] })).toStrictEqual({
      rules: [plain, withOrigin],
      origins: ['a.example'],
      keepMore: false,
    })
    expect(answered(sourceOf(plain, withSecret), { keep, kept, keepMore: true })).toStrictEqual({
      rules: [plain, withSecret],
      keep,
      kept,
      keepMore: true,
    })
    expect(answered(sourceOf(withSecret), { keepMore: true })).toMatchObject({ keepMore: true })
  })

  it('has its tokens as bytes that nothing shows', () => {
    const handshake = answered(sourceOf(plain, withToken), { token: ['tökén', ' ', 'old'] })
    const tokens: string[] = []
    handshake?.tokens?.forEach((token) => tokens.push(Buffer.from(token).toString()))
    expect(tokens).toEqual(['tökén', 'old'])
    expect(JSON.stringify(handshake)).not.toMatch(/tökén|old/)
  })
})

describe('a handshake is refused', () => {
  it.each([
    ['of a provider without any', [], true, 'is of no use: its provider has none that is not signed'],
    ['with an option that nothing has', [plain], { tokens: 'a' }, "has an unknown option, 'tokens'"],
    ['without the token that it has to show', [plain, withToken], true, 'needs a token'],
    ['with a blank token', [withToken], { token: [' ', undefined] }, 'needs a token'],
    ['with a token that none shows', [plain], { token: 'a' }, 'has a token, and its provider sends none'],
    ['with origins that none names', [plain], { origins: [] }, 'has origins, and its provider names none'],
    ['with a place to keep what none brings', [plain], { keep }, 'has something to keep'],
    ['with what was kept of what none brings', [plain], { kept }, 'has something to keep'],
    ['with more to keep than none', [plain], { keepMore: true }, 'has something to keep'],
  ] as const)('%s', (_, rules, options, problem) => {
    const message = refusal(sourceOf(...rules), options as HandshakeOptions)
    expect(message).toContain(`own: handshake ${problem}`)
  })

  it('of a provider whose data say nothing of handshakes', () => {
    const source = defineSource({ name: 'own', title: 'Own', schemes: [], envelopes: [] })
    expect(refusal(source, true)).toContain('own: handshake is of no use')
  })

  it('and the message says what to give, or why there is nothing', () => {
    expect(refusal(sourceOf(withToken), true)).toContain('the one that was given to the provider')
    expect(refusal(sourceOf(plain), { keep })).toContain('its provider brings no secret')
  })
})
