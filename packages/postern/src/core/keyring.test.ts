import { createHash } from 'node:crypto'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { PosternError } from './errors.ts'
import { configuredSecrets, Keyring, OpenKeyring } from './keyring.ts'
import type { KeyFormat } from './scheme.ts'

const SECRET = 'a-secret-nobody-must-ever-see'
const HEX_OF_SECRET = Buffer.from(SECRET).toString('hex')

function keysOf(ring: Keyring): string[] {
  const keys: string[] = []
  ring.forEach((key) => keys.push(Buffer.from(key).toString('latin1')))
  return keys
}

const secretsOf = (secret: unknown): readonly string[] =>
  configuredSecrets({ name: 'sample', title: 'Sample', schemes: [], envelopes: [] }, 'secret', secret)

describe('configuredSecrets', () => {
  it.each([
    ['undefined', undefined],
    ['an empty text', ''],
    ['spaces', '   '],
    ['a line break', '\r\n'],
    ['an empty list', []],
    ['a list of what is absent or blank', [undefined, '', ' \t ']],
  ])('takes %s for no secret', (_, secret) => {
    expect(secretsOf(secret)).toEqual([])
  })

  it('keeps the order of the others', () => {
    expect(secretsOf(['new', undefined, '', 'old'])).toEqual(['new', 'old'])
  })

  it('keeps a secret as it was shown, spaces around it included', () => {
    expect(secretsOf(' spaced ')).toEqual([' spaced '])
  })
})

describe('Keyring', () => {
  it('decodes secrets as the provider writes them', () => {
    expect(keysOf(new Keyring(['key-é'], { as: 'utf8' }))).toEqual([Buffer.from('key-é').toString('latin1')])
    expect(keysOf(new Keyring(['6B6579'], { as: 'hex' }))).toEqual(['key'])
    expect(keysOf(new Keyring(['a2V5'], { as: 'base64' }))).toEqual(['key'])
  })

  it('cuts off one prefix, where the secret has it', () => {
    const format: KeyFormat = { as: 'base64', stripPrefixes: ['whsec_', 'other_'] }
    expect(keysOf(new Keyring(['whsec_a2V5', 'other_a2V5', 'a2V5'], format))).toEqual(['key', 'key', 'key'])
    expect(() => new Keyring(['whsec_whsec_a2V5'], format)).toThrow(PosternError)
  })

  it.each([
    ['is not base64', 'not base64!', { as: 'base64' }],
    ['is base64url', 'a2V5-_8=', { as: 'base64' }],
    ['is base64 without padding', 'a2V5YQ', { as: 'base64' }],
    ['has a line break after base64', 'a2V5\n', { as: 'base64' }],
    ['is not hex', 'xyz', { as: 'hex' }],
    ['is hex of an odd length', 'abc', { as: 'hex' }],
    ['is nothing but the prefix', 'whsec_', { as: 'base64', stripPrefixes: ['whsec_'] }],
    ['is nothing but the prefix of a text', 'whsec_', { as: 'utf8', stripPrefixes: ['whsec_'] }],
    ['is empty', '', { as: 'utf8' }],
    ['is shorter than the provider issues', 'a2V5', { as: 'base64', minBytes: 24 }],
  ] as const satisfies readonly (readonly [string, string, KeyFormat])[])(
    'refuses a secret that %s',
    (_, secret, format) => {
      expect(() => new Keyring([secret], format)).toThrow(expect.objectContaining({ code: 'bad_secret' }))
    },
  )

  // As utf8 anything decodes: what is wrong with an empty secret is its length.
  it.each([
    ['utf8', '', 'at least 1'],
    ['utf8', 'key', 'at least 4'],
    ['hex', '6b6579', 'at least 4'],
  ] as const)('says how long a secret in %s is, and has to be: %j', (as, secret, atLeast) => {
    const format: KeyFormat = secret === '' ? { as } : { as, minBytes: 4 }
    const length = secret === '' ? '0' : '3'
    expect(() => new Keyring([secret], format)).toThrow(
      `The signing secret is ${length} bytes long; this provider's have ${atLeast}`,
    )
  })

  it('takes a secret of exactly the length that the provider issues', () => {
    expect(keysOf(new Keyring(['a2V5'], { as: 'base64', minBytes: 3 }))).toEqual(['key'])
  })

  it('refuses the whole list for one bad secret', () => {
    expect(() => new Keyring(['a2V5', '!'], { as: 'base64' })).toThrow(PosternError)
  })

  it('never shows a secret in its complaint', () => {
    const complaint = (format: KeyFormat): string => {
      try {
        return `accepted ${new Keyring([`${SECRET}!`], format).size}`
      } catch (error) {
        return inspect(error)
      }
    }
    expect(complaint({ as: 'base64' })).toMatch(/not valid base64/)
    expect(complaint({ as: 'base64' })).not.toContain(SECRET)
    expect(complaint({ as: 'utf8', minBytes: 99 })).toMatch(/30 bytes long/)
    expect(complaint({ as: 'utf8', minBytes: 99 })).not.toContain(SECRET)
  })

  it('says that a key under 16 bytes is weak', () => {
    expect(new Keyring(['x'.repeat(15)], { as: 'utf8' }).hasWeakKey).toBe(true)
    expect(new Keyring(['x'.repeat(16)], { as: 'utf8' }).hasWeakKey).toBe(false)
    expect(new Keyring(['x'.repeat(16), 'y'], { as: 'utf8' }).hasWeakKey).toBe(true)
    expect(new Keyring([], { as: 'utf8' }).hasWeakKey).toBe(false)
  })

  it('counts bytes, not characters, of a weak key', () => {
    expect(new Keyring(['é'.repeat(8)], { as: 'utf8' }).hasWeakKey).toBe(false)
    expect(new Keyring(['ab'.repeat(15)], { as: 'hex' }).hasWeakKey).toBe(true)
  })

  it('visits every key with its index', () => {
    const visited: [string, number][] = []
    new Keyring(['new', 'old'], { as: 'utf8' }).forEach((key, index) => {
      visited.push([Buffer.from(key).toString(), index])
    })
    expect(visited).toEqual([
      ['new', 0],
      ['old', 1],
    ])
  })

  it('signs with the first key, where there is one', () => {
    expect(Buffer.from(new Keyring(['new', 'old'], { as: 'utf8' }).first()!).toString()).toBe('new')
    expect(new Keyring([], { as: 'utf8' }).first()).toBeUndefined()
  })

  it('tells secrets apart by digests of what was given, whatever it decodes to', () => {
    const digestsOf = (...secrets: readonly string[]): readonly string[] =>
      secrets.map((secret) => createHash('sha256').update(secret).digest('hex'))
    expect(new Keyring([], { as: 'utf8' }).digests()).toEqual([])
    expect(new Keyring(['6b6579', '6B6579'], { as: 'hex' }).digests()).toEqual(digestsOf('6b6579', '6B6579'))
    expect(new Keyring(['é'], { as: 'utf8' }).digests()).toEqual(digestsOf('é'))
  })

  it('shows nothing of a key to JSON, console, spread or keys', () => {
    const ring = new Keyring([SECRET], { as: 'utf8' })
    const shown = [
      JSON.stringify(ring),
      inspect(ring, { showHidden: true, depth: Infinity, getters: true }),
      JSON.stringify({ ...ring }),
      inspect(Object.getOwnPropertyDescriptors(ring)),
      Object.keys(ring).join(),
      JSON.stringify(structuredClone({ ...ring })),
      String(ring),
    ].join('\n')
    expect(shown).not.toContain(SECRET)
    expect(shown).not.toContain(HEX_OF_SECRET)
    // How inspect writes a Buffer.
    expect(shown).not.toContain(
      Buffer.from(SECRET)
        .subarray(0, 4)
        .toString('hex')
        .replace(/(..)(?=.)/g, '$1 '),
    )
    expect(JSON.parse(JSON.stringify(ring))).toEqual({ size: 1, hasWeakKey: false })
  })
})

describe('OpenKeyring', () => {
  it('holds what is expected as it is, and never calls it weak', () => {
    const ring = new OpenKeyring(['é', 'a longer one than sixteen bytes'])
    expect(keysOf(ring)).toEqual([Buffer.from('é').toString('latin1'), 'a longer one than sixteen bytes'])
    expect(ring).toMatchObject({ size: 2, hasWeakKey: false })
  })

  it('refuses an empty text for its length', () => {
    expect(() => new OpenKeyring([''])).toThrow(/is 0 bytes long/)
  })
})
