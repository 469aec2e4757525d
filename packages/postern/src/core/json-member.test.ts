import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findMember, replaceRanges, stringAt } from './json-member.ts'

const RUNS = { numRuns: 500 }
const CUT = '"[redacted]"'

/** The body with the member replaced; `undefined` where it is not JSON. */
function cut(body: string | Uint8Array, path: readonly string[] = ['passcode']): string | undefined {
  const bytes = Buffer.from(body)
  const found = findMember(bytes, path)
  return found && Buffer.from(replaceRanges(bytes, found, Buffer.from(CUT))).toString('latin1')
}

/** The member's strings as they are read. */
function read(body: string, path: readonly string[] = ['passcode']): readonly (string | undefined)[] {
  const bytes = Buffer.from(body)
  return findMember(bytes, path)!.map((range) => stringAt(bytes, range))
}

describe('a member is found where it stands', () => {
  it.each([
    ['alone', '{"passcode":"s"}', `{"passcode":${CUT}}`],
    [
      'with white space',
      ' {\r\n\t"passcode" :\t"s" , "a" : 1 } ',
      ` {\r\n\t"passcode" :\t${CUT} , "a" : 1 } `,
    ],
    ['last', '{"a":[1,{"b":"}"}],"passcode":"s"}', `{"a":[1,{"b":"}"}],"passcode":${CUT}}`],
    [
      'after a string with a quote',
      '{"a":"\\"passcode\\":","passcode":"s"}',
      `{"a":"\\"passcode\\":","passcode":${CUT}}`,
    ],
    ['after a backslash', '{"a":"\\\\","passcode":"s"}', `{"a":"\\\\","passcode":${CUT}}`],
    ['under an escaped name', '{"p\\u0061sscode":"s"}', `{"p\\u0061sscode":${CUT}}`],
    ['as a number', '{"passcode":-1.5e+3,"a":1}', `{"passcode":${CUT},"a":1}`],
    ['as a number with a capital exponent', '{"passcode":1E5,"a":1}', `{"passcode":${CUT},"a":1}`],
    ['as null', '{"passcode":null}', `{"passcode":${CUT}}`],
    ['as an object', '{"passcode":{"a":["]"]},"b":1}', `{"passcode":${CUT},"b":1}`],
    ['as an empty list', '{"passcode":[],"b":1}', `{"passcode":${CUT},"b":1}`],
    ['twice', '{"passcode":"s","a":1,"passcode":"t"}', `{"passcode":${CUT},"a":1,"passcode":${CUT}}`],
    ['not in another object', '{"a":{"passcode":"s"}}', '{"a":{"passcode":"s"}}'],
    ['not in a list', '[{"passcode":"s"}]', '[{"passcode":"s"}]'],
    [
      'not under another name',
      '{"Passcode":"s","passcodes":"s","passcod":"s"}',
      '{"Passcode":"s","passcodes":"s","passcod":"s"}',
    ],
    ['not in a string', '"{\\"passcode\\":\\"s\\"}"', '"{\\"passcode\\":\\"s\\"}"'],
    ['not in an empty object', '{}', '{}'],
  ])('%s', (_, body, expected) => expect(cut(body)).toBe(expected))

  it('behind a byte order mark, which stays', () => {
    expect(cut('\ufeff{"passcode":"s"}')).toBe(`\xef\xbb\xbf{"passcode":${CUT}}`)
  })

  it('among bytes that are no UTF-8, which stay', () => {
    const body = Buffer.from('{"a":"\xff\xc3","passcode":"\xff"}', 'latin1')
    expect(cut(body)).toBe(`{"a":"\xff\xc3","passcode":${CUT}}`)
  })

  it('at a path of several names, every one of which may be doubled', () => {
    expect(cut('{"a":{"b":"s","c":1}}', ['a', 'b'])).toBe(`{"a":{"b":${CUT},"c":1}}`)
    expect(cut('{"a":{"b":"s"},"a":{"b":"t"}}', ['a', 'b'])).toBe(`{"a":{"b":${CUT}},"a":{"b":${CUT}}}`)
    expect(cut('{"a":"b"}', ['a', 'b'])).toBe('{"a":"b"}')
  })

  it('called __proto__ or constructor only where the body has it', () => {
    expect(read('{"__proto__":"s"}', ['__proto__'])).toEqual(['s'])
    expect(read('{}', ['constructor'])).toEqual([])
    expect(read('{"__proto__":{"passcode":"s"}}')).toEqual([])
  })

  it.each([
    '',
    '{',
    '{"passcode":"s"',
    '{"passcode":"s",}',
    "{'passcode':'s'}",
    '{"passcode":"s"}x',
    '\ufeff\ufeff{}',
  ])('and nothing is found in what is not JSON: %j', (body) => expect(cut(body)).toBeUndefined())

  it('without recursion in values however deep', () => {
    const deep = `{"a":${'['.repeat(200_000)}${']'.repeat(200_000)},"passcode":"s"}`
    expect(cut(deep)?.endsWith(`,"passcode":${CUT}}`)).toBe(true)
  })
})

describe('a member is read as JSON reads it', () => {
  it.each([
    ['{"passcode":"\\u0073ecret"}', 'secret'],
    ['{"passcode":"a\\"b\\\\c\\/d\\ne"}', 'a"b\\c/d\ne'],
    ['{"passcode":"\\ud83c\\udf89é"}', '🎉é'],
    ['{"passcode":""}', ''],
  ])('%s', (body, expected) => expect(read(body)).toEqual([expected]))

  it.each(['1', 'null', 'true', '{"a":"s"}', '["s"]'])('and is no text where it is %s', (value) => {
    expect(read(`{"passcode":${value}}`)).toEqual([undefined])
  })
})

/** One spelling of a string in JSON: some of its UTF-16 units escaped, in either case. */
function spelled(text: string, choices: readonly number[]): string {
  const units = Array.from({ length: text.length }, (_, at) => {
    const hex = text.charCodeAt(at).toString(16).padStart(4, '0')
    const choice = choices[at % Math.max(1, choices.length)] ?? 0
    if (choice === 1) return `\\u${hex}`
    return choice === 2 ? `\\u${hex.toUpperCase()}` : JSON.stringify(text[at]).slice(1, -1)
  })
  return `"${units.join('')}"`
}

const space = fc.stringMatching(/^[ \t\r\n]{0,3}$/)
const choices = fc.array(fc.nat(2), { minLength: 1, maxLength: 5 })
const otherName = fc.string({ unit: 'grapheme' }).filter((name) => name !== 'passcode')
const member = fc
  .tuple(space, otherName, choices, space, fc.jsonValue(), space)
  .map(
    ([a, name, spelling, b, value, c]) =>
      `${a}${spelled(name, spelling)}${b}:${c}${JSON.stringify(value, null, b.length)}`,
  )
const secretText = fc.string({ unit: 'grapheme', minLength: 1 }).map((text) => `§3cret-${text}`)

describe('for any body', () => {
  it('exactly the value of the member is replaced, and the rest is as it was', () => {
    const body = fc.record({
      before: fc.array(member, { maxLength: 4 }),
      after: fc.array(member, { maxLength: 4 }),
      gaps: fc.tuple(space, space, space, space),
      name: choices,
      secret: secretText,
      spelling: choices,
      mark: fc.constantFrom('', '\ufeff'),
    })
    fc.assert(
      fc.property(body, ({ before, after, gaps: [a, b, c, d], name, secret, spelling, mark }) => {
        const written = (value: string): string => {
          const own = `${a}${spelled('passcode', name)}${b}:${c}${value}${d}`
          return `${mark}${a}{${[...before, own, ...after].join(',')}}${d}`
        }
        const sent = Buffer.from(written(spelled(secret, spelling)))
        const ranges = findMember(sent, ['passcode'])!
        expect(ranges.map((range) => stringAt(sent, range))).toEqual([secret])
        const kept = Buffer.from(replaceRanges(sent, ranges, Buffer.from(CUT)))
        expect(kept.toString()).toBe(written(CUT))
        expect(kept.includes(secret)).toBe(false)
        expect(JSON.parse(kept.toString().replace(/^\ufeff/, ''))).toMatchObject({ passcode: '[redacted]' })
      }),
      RUNS,
    )
  })

  it('nothing throws, and what is replaced is JSON still', () => {
    const anything = fc.oneof(
      fc.uint8Array({ maxLength: 100 }),
      fc.json().map((text) => Buffer.from(text)),
      fc
        .array(fc.constantFrom(...'{}[]",:\\u0 passcode1e-'), { maxLength: 40 })
        .map((all) => Buffer.from(all.join(''))),
    )
    fc.assert(
      fc.property(anything, (bytes) => {
        const kept = cut(bytes)
        if (kept !== undefined)
          expect(() => JSON.parse(kept.replace(/^\u00ef\u00bb\u00bf/, '')) as unknown).not.toThrow()
      }),
      RUNS,
    )
  })
})
