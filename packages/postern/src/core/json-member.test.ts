import * as fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { findInEach, findMember, replaceRanges, stringAt } from './json-member.ts'

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
    ['as true', '{"passcode":true,"a":1}', `{"passcode":${CUT},"a":1}`],
    ['as false', '{"passcode":false,"a":1}', `{"passcode":${CUT},"a":1}`],
    ['as an object', '{"passcode":{"a":["]"]},"b":1}', `{"passcode":${CUT},"b":1}`],
    ['as an empty list', '{"passcode":[],"b":1}', `{"passcode":${CUT},"b":1}`],
    ['twice', '{"passcode":"s","a":1,"passcode":"t"}', `{"passcode":${CUT},"a":1,"passcode":${CUT}}`],
    ['not in another object', '{"a":{"passcode":"s"}}', '{"a":{"passcode":"s"}}'],
    ['not in a list', '[{"passcode":"s"}]', '[{"passcode":"s"}]'],
    ['not as the text before another in a list', '["passcode","s"]', '["passcode","s"]'],
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

  it('at a path of no names nowhere', () => {
    expect(read('{"":"s","a":"t"}', [])).toEqual([])
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

  it('under a name of letters beyond ASCII', () => {
    expect(read('{"größe":"s","gro\u0308ße":"t"}', ['größe'])).toEqual(['s'])
    expect(read(String.raw`{"gr\u00f6\u00dfe":"s"}`, ['größe'])).toEqual(['s'])
  })

  // A megabyte of names parsed one by one would keep everybody else waiting.
  it('and its name is parsed only where it is escaped and not too short to be it', () => {
    const plain = Array.from({ length: 100 }, (_, at) => `"a plain name ${at}":1`)
    const short = Array.from({ length: 100 }, () => String.raw`"\n\n\na":1`)
    const body = `{${[...plain, ...short, String.raw`"p\u0061sscode":"s"`].join(',')}}`
    const parse = vi.spyOn(JSON, 'parse')
    try {
      expect(findMember(Buffer.from(body), ['passcode'])).toHaveLength(1)
      // The body, and the one name.
      expect(parse).toHaveBeenCalledTimes(2)
    } finally {
      parse.mockRestore()
    }
  })

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

describe('an array whose elements are looked into', () => {
  const found = (
    body: string,
    path: readonly string[] = ['b'],
  ): readonly (readonly string[])[] | undefined => {
    const bytes = Buffer.from(body)
    return findInEach(bytes, ['list'], path)?.map((ranges) =>
      ranges.map(({ start, end }) => bytes.subarray(start, end).toString()),
    )
  }

  it.each([
    ['a text', '{"list":"x"}'],
    ['a number', '{"list":12}'],
    ['an object', '{"list":{}}'],
    ['an object with members', '{"list":{"b":1}}'],
    ['absent', '{}'],
    ['there twice', '{"list":[],"list":[]}'],
    ['in what is not JSON', '{"list":['],
  ])('is none where it is %s', (_, body) => {
    expect(found(body)).toBeUndefined()
  })

  it.each([
    ['with white space anywhere', '{"list":[ {"b":1} ,\n{"b":2}\t] }', [['1'], ['2']]],
    ['of literals, texts and lists', '{"list":[true,-1.5E+3,"]",[{"b":1}],{}]}', [[], [], [], [], []]],
    ['followed by others', '{"list":[{"b":1}],"other":[{"b":2}]}', [['1']]],
    ['of one element', '{"list":[{"b":[1,2]}]}', [['[1,2]']]],
    ['of none', '{"list":[ ]}', []],
  ])('gives the values of each: %s', (_, body, values) => {
    expect(found(body)).toEqual(values)
  })

  it('gives none for a path of no names', () => {
    expect(found('{"list":[{"b":1},{}]}', [])).toEqual([[], []])
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
