import { DOUBLED } from './request.ts'
import { describe, expect, it, vi } from 'vitest'
import { check } from './check.ts'
import { encode } from './encoding.ts'
import { Keyring } from './keyring.ts'
import { readable, type Readable } from './place.ts'
import type { SignatureScheme as Scheme, SignatureRule } from './scheme.ts'
import { decodeSignature, readSignatures, writeSignature, type ReadSignatures } from './signature-header.ts'

const ONE = 'aa'.repeat(32)
const TWO = 'BB'.repeat(32)
const bare: SignatureRule = { in: [{ header: 'x-signature' }], encoding: 'hex' }
const prefixed: SignatureRule = { ...bare, prefix: 'sha256=' }
const list: SignatureRule = { ...bare, separator: ' ', prefix: 'v1,' }
const pairs: SignatureRule = { ...bare, separator: ',', pairSeparator: '=', field: 'v1' }

function read(rule: SignatureRule, ...values: string[]): ReadSignatures {
  const headers = values.flatMap((value) => ['X-Signature', value])
  return readSignatures(readableOf(headers), rule)
}

function readableOf(headers: readonly string[]): Readable {
  return readable({ method: 'POST', url: '', headers, body: new Uint8Array() })
}

/** The signatures as hex; the reason where there are none. */
function found(rule: SignatureRule, ...values: string[]): readonly string[] | string {
  const result = read(rule, ...values)
  if (!result.ok) return result.reason
  const signatures = result.signatures.flatMap((text) => decodeSignature(text, rule.encoding, 32) ?? [])
  return signatures.length > 0 ? signatures.map((bytes) => encode(bytes, 'hex')) : 'bad_encoding'
}

describe('readSignatures', () => {
  it('reads a bare signature, in either case of hex', () => {
    expect(found(bare, ONE)).toEqual([ONE])
    expect(found(bare, TWO)).toEqual([TWO.toLowerCase()])
  })

  it.each([
    ['no header', bare, [], 'missing_header'],
    ['an empty header', bare, [''], 'bad_encoding'],
    ['the header twice', bare, [ONE, ONE], 'duplicate_header'],
    ['two values joined by a framework', bare, [`${ONE}, ${ONE}`], 'bad_encoding'],
    ['a space before', bare, [` ${ONE}`], 'bad_encoding'],
    ['a space after', bare, [`${ONE} `], 'bad_encoding'],
    ['a prefix that the scheme has not', bare, [`sha256=${ONE}`], 'bad_encoding'],
    ['a signature one byte short', bare, [ONE.slice(2)], 'bad_encoding'],
    ['a signature one byte long', bare, [`${ONE}aa`], 'bad_encoding'],
    ['a SHA-1 signature', bare, ['aa'.repeat(20)], 'bad_encoding'],
    ['another encoding', bare, [Buffer.alloc(32).toString('base64')], 'bad_encoding'],
    ['no prefix', prefixed, [ONE], 'malformed_header'],
    ['the prefix in capitals', prefixed, [`SHA256=${ONE}`], 'malformed_header'],
    ['the prefix of another algorithm', prefixed, [`sha1=${ONE}`], 'malformed_header'],
    ['junk before the prefix', prefixed, [`x sha256=${ONE}`], 'malformed_header'],
    ['the prefix twice', prefixed, [`sha256=sha256=${ONE}`], 'bad_encoding'],
    ['the prefix alone', prefixed, ['sha256='], 'bad_encoding'],
    ['a list where the scheme has none', prefixed, [`sha256=${ONE},sha256=${TWO}`], 'bad_encoding'],
    ['a list header twice', list, [`v1,${ONE}`, `v1,${TWO}`], 'duplicate_header'],
    ['a list of another version', list, [`v2,${ONE} v1a,${TWO}`], 'malformed_header'],
    ['pairs without the field', pairs, [`t=1,v0=${ONE}`], 'malformed_header'],
    ['the field without a value', pairs, ['t=1,v1='], 'bad_encoding'],
    ['the field without its separator', pairs, ['t=1,v1'], 'malformed_header'],
    ['a text that is no pair', pairs, [ONE], 'malformed_header'],
    ['a text that is no pair among pairs', pairs, [`t=1,1,v1=${ONE}`], 'malformed_header'],
    ['a line break behind a pair', pairs, [`t=1,v1=${ONE}\n`], 'malformed_header'],
    ['a no-break space before a pair', pairs, [`t=1,\u00a0v1=${ONE}`], 'malformed_header'],
  ] as const)('refuses %s', (_, rule, values, reason) => {
    expect(found(rule, ...values)).toBe(reason)
  })

  it('reads every signature of a list, and passes over what is none', () => {
    expect(found(list, `v1,${ONE} v2,${TWO} v1,${TWO}`)).toEqual([ONE, TWO.toLowerCase()])
    expect(found(list, `v1,zz v1,${ONE}`)).toEqual([ONE])
    expect(found(list, `v1,${ONE} `)).toEqual([ONE])
  })

  it('reads pairs with spaces after the separator', () => {
    expect(found(pairs, `t=1, v1=${ONE}, v1=${TWO}`)).toEqual([ONE, TWO.toLowerCase()])
  })

  // RFC 9110 §5.6.1: white space around entries, and empty entries, mean nothing.
  it('reads pairs with spaces and tabs around them, and empty ones between', () => {
    const result = read(pairs, ` \tt=1\t ,,\tv1=${ONE} , `)
    expect(result.ok && result.signatures).toHaveLength(1)
    expect(result.ok && result.fields?.get('t')).toBe('1')
  })

  it('reads past a list that begins with its separator', () => {
    expect(found(pairs, `,t=1,v1=${ONE}`)).toEqual([ONE])
  })

  it('counts what stands before, between and behind separators: sixteen are read, and no seventeenth', () => {
    expect(found(pairs, `${','.repeat(15)}v1=${ONE}`)).toEqual([ONE])
    expect(found(pairs, `v1=${ONE}${','.repeat(15)}`)).toEqual([ONE])
    expect(found(pairs, `v1=${ONE}${','.repeat(16)}`)).toBe('malformed_header')
  })

  it('puts other pairs aside, with what follows their first separator', () => {
    const result = read(pairs, `t=1,v1=${ONE},v0=a=b`)
    expect(result.ok && [...(result.fields ?? [])]).toEqual([
      ['t', '1'],
      ['v0', 'a=b'],
    ])
  })

  it('has no fields where entries are no pairs', () => {
    for (const [rule, text] of [
      [bare, ONE],
      [list, `v1,${ONE}`],
    ] as const) {
      const result = read(rule, text)
      expect(result.ok && result.fields).toBeUndefined()
    }
  })

  it('marks a field that came twice, even with the same value', () => {
    const result = read(pairs, `t=1,v1=${ONE},t=1`)
    expect(result.ok && result.fields?.get('t')).toBe(DOUBLED)
  })

  it('keeps a field called `__proto__` a field', () => {
    const result = read(pairs, `__proto__=1,v1=${ONE}`)
    expect(result.ok && result.fields?.get('__proto__')).toBe('1')
    expect(({} as Record<string, unknown>)['1']).toBeUndefined()
  })

  it.each([
    ['too long', `v1,${'a'.repeat(4096)}`],
    ['of more than ASCII', `v1,${ONE} é`],
    ['of too many entries', Array(17).fill(`v1,${ONE}`).join(' ')],
  ])('refuses a header that is %s, whatever another one holds', (_, text) => {
    const rule: SignatureRule = { ...list, in: [{ header: 'x-first' }, { header: 'x-second' }] }
    const headers = ['x-first', `v1,${ONE}`, 'x-second', text]
    expect(readSignatures(readableOf(headers), rule)).toEqual({ ok: false, reason: 'malformed_header' })
  })

  it('reads every header of a scheme that has several', () => {
    const rule: SignatureRule = { ...bare, in: [{ header: 'x-first' }, { header: 'x-second' }] }
    const headers = ['x-second', TWO, 'x-first', ONE]
    expect(readSignatures(readableOf(headers), rule)).toMatchObject({
      ok: true,
      signatures: [ONE, TWO],
    })
    expect(readSignatures(readableOf([...headers, 'X-First', ONE]), rule)).toEqual({
      ok: false,
      reason: 'duplicate_header',
    })
  })

  it('takes 16 entries and refuses 17', () => {
    expect(found(list, Array(16).fill(`v1,${ONE}`).join(' '))).toEqual(Array(16).fill(ONE))
    expect(found(list, Array(17).fill(`v1,${ONE}`).join(' '))).toBe('malformed_header')
  })

  it('takes a header of 4,096 characters and refuses a longer one', () => {
    const filler = (length: number): string => `v1,${ONE} v2,${'x'.repeat(length - 71)}`
    expect(filler(4096)).toHaveLength(4096)
    expect(found(list, filler(4096))).toEqual([ONE])
    expect(found(list, filler(4097))).toBe('malformed_header')
  })

  // The last entry decides, whatever came of those before.
  it('reports of several entries the one that got furthest', () => {
    expect(found(pairs, 't=1,v1=zz,v0=aa')).toBe('bad_encoding')
  })

  it.each([
    ['valid', `v1,${ONE}`],
    ['tiny', 'v1,aa'],
    ['empty', ''],
  ])('computes nothing for 10,000 %s signatures', (_, entry) => {
    const scheme: Scheme = {
      name: 'list',
      algorithm: 'hmac-sha256',
      key: { as: 'utf8' },
      signature: list,
      content: ['body'],
    }
    const keys = new Keyring(['secret'], scheme.key)
    const visited = vi.spyOn(keys, 'forEach')
    const headers = ['x-signature', Array(10_000).fill(entry).join(' ')]
    const request = { method: 'POST', url: '', headers, body: Buffer.from('{}') }
    expect(check(scheme, keys, request, { nowMs: 0 })).toEqual({ ok: false, reason: 'malformed_header' })
    expect(visited).not.toHaveBeenCalled()
  })
})

describe('writeSignature', () => {
  it('writes what the provider writes', () => {
    expect(writeSignature(ONE, bare, new Map())).toBe(ONE)
    expect(writeSignature(ONE, prefixed, new Map())).toBe(`sha256=${ONE}`)
    expect(writeSignature(ONE, list, new Map())).toBe(`v1,${ONE}`)
    expect(writeSignature(ONE, pairs, new Map([['t', '1']]))).toBe(`t=1,v1=${ONE}`)
    const { separator: _, ...unseparated } = pairs
    expect(writeSignature(ONE, unseparated, new Map([['t', '1']]))).toBe(`t=1,v1=${ONE}`)
    expect(writeSignature(ONE, { ...pairs, separator: ';' }, new Map([['ts', '1']]))).toBe(`ts=1;v1=${ONE}`)
  })

  it.each([bare, prefixed, list, pairs])('writes what readSignatures reads: %j', (rule) => {
    expect(found(rule, writeSignature(ONE, rule, new Map([['t', '1']])))).toEqual([ONE])
  })
})
