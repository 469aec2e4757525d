/**
 * The parsers that stand before everything else, each with what is fed to it and what must hold of whatever it answers. A
 * throw is a failure too. What holds is said in other words than the parsers are written in: of a time by its calendar, of
 * JSON by what `JSON.parse` makes of it.
 */
import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { decodeStrictly, encode } from '../../packages/postern/src/core/encoding.ts'
import { readEvent } from '../../packages/postern/src/core/envelope.ts'
import { findMember, replaceRanges, stringAt } from '../../packages/postern/src/core/json-member.ts'
import { DOUBLED, headerValue, toWebhookRequest } from '../../packages/postern/src/core/request.ts'
import type { SignatureRule } from '../../packages/postern/src/core/scheme.ts'
import { decodeSignature, readSignatures } from '../../packages/postern/src/core/signature-header.ts'
import { defineSource } from '../../packages/postern/src/core/source.ts'
import { parseTimestamp } from '../../packages/postern/src/core/timestamp.ts'
import { almost } from './edits.ts'
import { messageSignatureInputs, wrongInMessageSignature } from './message-signatures.ts'
import { structuredFieldInputs, wrongInStructuredField } from './structured-fields.ts'

export interface Target {
  readonly name: string
  /** Draws inputs, and says of each what is wrong with what the parser makes of it. */
  readonly property: fc.IProperty<unknown>
}

function target<Input>(
  name: string,
  inputs: fc.Arbitrary<Input>,
  wrong: (input: Input) => string | undefined,
): Target {
  return {
    name,
    property: fc.property(inputs, (input) => {
      const complaint = wrong(input)
      if (complaint !== undefined) throw new Error(complaint)
    }),
  }
}

const NUMBERS = ['1700000000', '1700000000000', '0', '1', '253402300799']
const TIMES = [
  '2026-03-02T22:20:01Z',
  '2024-02-29T23:59:59.123456789+05:30',
  '1999-12-31t00:00:00.5z',
  '2026-04-30T12:00:00-23:59',
  '2026-02-28T12:00:00Z',
  '0001-01-01T00:00:00Z',
]

const timestamps = target(
  'timestamps',
  fc.tuple(almost([...NUMBERS, ...TIMES]), fc.constantFrom('seconds', 'milliseconds', 'rfc3339')),
  ([text, unit]) => {
    const read = parseTimestamp(text, unit)
    const right = unit === 'rfc3339' ? calendarTime(text) : digitsOnly(text, unit === 'seconds' ? 1000 : 1)
    return Object.is(read, right) ? undefined : `${String(read)} in place of ${String(right)}`
  },
)

function digitsOnly(text: string, factor: number): number | undefined {
  const isDigits =
    text !== '' && text.length <= 15 && [...text].every((digit) => '0123456789'.includes(digit))
  return isDigits ? Number(text) * factor : undefined
}

/** RFC 3339 by the calendar, without `Date.parse`. No leap seconds: no `Date` has them. */
function calendarTime(text: string): number | undefined {
  const fields =
    /^([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))$/.exec(
      text,
    )
  if (fields === null) return undefined
  const [year, month, day, hour, minute, second] = fields.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined
  const [offsetHours, offsetMinutes] = [Number(fields[9] ?? 0), Number(fields[10] ?? 0)]
  if (hour > 23 || minute > 59 || second > 59 || offsetHours > 23 || offsetMinutes > 59) return undefined
  const milliseconds = Number((fields[7] ?? '').padEnd(3, '0').slice(0, 3))
  const offset = (fields[8] === '-' ? -1 : 1) * (offsetHours * 60 + offsetMinutes)
  return date.getTime() + ((hour * 60 + minute - offset) * 60 + second) * 1000 + milliseconds
}

const names = almost(['x-signature', 'X-Signature', 'x-id', '__proto__', ''])
const headers = target(
  'headers',
  fc.tuple(fc.array(fc.oneof(names, fc.constant('x-signature')), { maxLength: 9 }), names),
  ([list, name]) => {
    const wanted = name.toLowerCase()
    const values = list.flatMap((text, index) =>
      index % 2 === 0 && text.toLowerCase() === wanted && text.length === wanted.length
        ? [list[index + 1] ?? '']
        : [],
    )
    const right = values.length > 1 ? DOUBLED : values[0]
    return headerValue(list, wanted) === right ? undefined : `not ${String(right)}`
  },
)

const anything = fc.oneof(fc.string({ maxLength: 8 }), fc.anything({ maxDepth: 1, maxKeys: 3 }))
const shapes = target(
  'shapes of headers',
  fc.oneof(
    fc.array(anything, { maxLength: 6 }),
    fc.array(fc.tuple(anything, anything), { maxLength: 3 }),
    fc.dictionary(fc.string(), fc.oneof(anything, fc.array(anything, { maxLength: 3 })), { maxKeys: 4 }),
  ),
  (shape) => {
    const body = Buffer.alloc(0)
    const request = toWebhookRequest({ headers: shape } as Parameters<typeof toWebhookRequest>[0], body)
    return request.headers.every((text) => typeof text === 'string') ? undefined : 'holds what is no text'
  },
)

const HEX = 'ab'.repeat(32)
const BASE64 = Buffer.alloc(32, 0xfb).toString('base64')
const RULES: readonly (SignatureRule & { readonly seeds: readonly string[] })[] = [
  { in: [{ header: 's' }], encoding: 'hex', prefix: 'sha256=', seeds: [`sha256=${HEX}`] },
  { in: [{ header: 's' }], encoding: 'base64', seeds: [BASE64] },
  {
    in: [{ header: 's' }],
    encoding: 'hex',
    separator: ',',
    pairSeparator: '=',
    field: 'v1',
    seeds: [`t=1700000000,v1=${HEX}`, `t=1, v1=${HEX},v1=${HEX.toUpperCase()},v0=${HEX}`],
  },
  {
    in: [{ header: 's' }],
    encoding: 'base64',
    separator: ' ',
    prefix: 'v1,',
    seeds: [`v1,${BASE64}`, `v1,${BASE64} v2,x v1,${BASE64}`, Array(16).fill(`v1,${BASE64}`).join(' ')],
  },
]

const signatureHeaders = target(
  'signature headers',
  fc.constantFrom(...RULES).chain(({ seeds, ...rule }) => fc.tuple(fc.constant(rule), almost(seeds))),
  ([rule, text]) => {
    const read = readSignatures(
      { headers: ['s', text], url: '', json: () => undefined, fields: undefined },
      rule,
    )
    const right = rule.separator === undefined ? [text] : entriesOf(text, rule.separator)
    const wanted = right?.flatMap((entry) => signatureIn(entry, rule)) ?? []
    const isWhole =
      rule.pairSeparator === undefined || right?.every((each) => each === '' || each.includes('='))
    if (right === undefined || isWhole === false) return read.ok ? 'accepted what is none' : undefined
    const written = read.ok ? read.signatures : []
    const found = written.flatMap((each) => decodeSignature(each, rule.encoding, 32) ?? [])
    const foundHex = found.map((bytes) => Buffer.from(bytes).toString('hex')).join()
    if (foundHex !== wanted.join()) return `found ${foundHex}`
    if (!read.ok) return undefined
    return wrongFields(right, rule, read.fields)
  },
)

/** The entries of a list, each without the white space that HTTP allows around it. */
function entriesOf(text: string, separator: string): readonly string[] | undefined {
  const entries = text.split(separator)
  const isPlain = [...text].every((character) => character === '\t' || (character >= ' ' && character <= '~'))
  return entries.length > 16 || text.length > 4096 || !isPlain
    ? undefined
    : entries.map((entry) => entry.replace(/^[ \t]+/, '').replace(/[ \t]+$/, ''))
}

/** The signature of an entry in hex, if it is one of 32 bytes, written as it has to be. */
function signatureIn(entry: string, rule: SignatureRule): readonly string[] {
  const start = rule.pairSeparator === undefined ? (rule.prefix ?? '') : `${rule.field}=`
  if (!entry.startsWith(start)) return []
  const written = entry.slice(start.length)
  if (rule.encoding === 'hex') return /^[0-9a-f]{64}$/i.test(written) ? [written.toLowerCase()] : []
  const isCanonical = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/.test(written)
  return isCanonical ? [Buffer.from(written, 'base64').toString('hex')] : []
}

function wrongFields(
  entries: readonly string[],
  rule: SignatureRule,
  fields: ReadonlyMap<string, unknown> | undefined,
): string | undefined {
  if (rule.pairSeparator === undefined) return fields === undefined ? undefined : 'has fields'
  for (const entry of entries) {
    const at = entry.indexOf('=')
    const name = at < 0 ? '' : entry.slice(0, at)
    if (name === rule.field) continue
    const times = entries.filter((other) => other.slice(0, Math.max(0, other.indexOf('='))) === name).length
    const right = times > 1 ? DOUBLED : entry.slice(at + 1)
    if (fields?.get(name) !== right) return `reads the field ${name} as ${String(fields?.get(name))}`
  }
  return undefined
}

const encodings = target(
  'encodings',
  fc.tuple(
    fc.oneof(
      almost([HEX, HEX.toUpperCase(), BASE64, Buffer.alloc(33, 0xfb).toString('base64url'), 'aa', 'AA==']),
      fc.uint8Array({ minLength: 1, maxLength: 40 }),
    ),
    fc.constantFrom('hex', 'base64', 'base64url'),
  ),
  ([given, encoding]) => {
    if (typeof given !== 'string') {
      const back = decodeStrictly(encode(given, encoding), encoding)
      return back !== undefined && Buffer.compare(back, given) === 0 ? undefined : 'does not come back'
    }
    const bytes = decodeStrictly(given, encoding)
    if (bytes === undefined) return undefined
    if (bytes.byteLength === 0) return 'decoded nothing'
    const written = encode(bytes, encoding)
    return written === (encoding === 'hex' ? given.toLowerCase() : given) ? undefined : `is ${written}`
  },
)

const ORDERED_BY = ['data', 'object']

const enveloped = defineSource(
  {
    name: 'fuzzed',
    title: 'Fuzzed',
    schemes: [
      {
        name: 'body',
        algorithm: 'hmac-sha256',
        key: { as: 'utf8' },
        signature: { in: [{ header: 's' }], encoding: 'hex' },
        content: ['body'],
      },
    ],
    envelopes: [
      {
        name: 'one',
        id: [{ json: ['id'] }],
        type: { json: ['type'] },
        created: { in: { json: ['created'] }, unit: 'seconds' },
        orderingKey: [{ json: ORDERED_BY }],
      },
    ],
  },
  { secret: 'a secret of the fuzzer', orderBy: true },
)

const envelopes = target(
  'envelopes',
  almost([
    '{"id":"evt_1","type":"a.b","created":1700000000,"data":{"object":"sub_1"}}',
    '{"id":12345,"type":"a","created":"1700000000","data":{"object":7}}',
    '{"__proto__":{"id":"polluted"},"type":"a"}',
    '{"data":{"constructor":1},"type":"\\u0061","id":"b"}',
    '[1,2]',
    'null',
  ]).map((text) => Buffer.from(text)),
  (body) => {
    const before = Buffer.from(body)
    const read = readEvent(enveloped, { method: 'POST', url: '/', headers: [], body })
    if (Buffer.compare(before, body) !== 0) return 'changed the body'
    if (Object.hasOwn(Object.prototype, 'id')) return 'polluted a prototype'
    const parsed = parsedOf(body)
    if (typeof parsed !== 'object' || parsed === null)
      return read === undefined ? undefined : 'read what is none'
    if (read === undefined) return 'did not read it'
    const own = (name: string): unknown => Object.getOwnPropertyDescriptor(parsed, name)?.value as unknown
    const typeText = nameOf(own('type'))
    const idText = typeText === undefined ? undefined : nameOf(own('id'))
    const digest = `sha256:${createHash('sha256').update(body).digest('hex')}`
    if (typeText !== undefined && read.type !== typeText) return `the type is ${read.type}`
    if (typeText !== undefined && read.id !== (idText ?? digest)) return `the id is ${read.id}`
    const key = nameOf(memberAt(parsed, ORDERED_BY)?.value)
    if (typeText !== undefined && read.orderingKey !== key) return `the ordering key is ${read.orderingKey}`
    const { createdMs } = read
    const isTime =
      createdMs === undefined || (Number.isInteger(createdMs) && createdMs >= 0 && createdMs <= 8.64e15)
    return isTime ? undefined : `created at ${createdMs}`
  },
)

function parsedOf(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(body)) as unknown
  } catch {
    return undefined
  }
}

/** Of a JSON value what may be an id or a type. */
function nameOf(value: unknown): string | undefined {
  const text = Number.isSafeInteger(value) ? String(value) : value
  if (typeof text !== 'string' || text === '' || text.length > 255) return undefined
  return /[\0\ufffd]|\p{Cs}/u.test(text) ? undefined : text
}

const memberPath = fc.constantFrom(['secret'], ['a', 'secret'], ['\u00e9"\\', 'b'])
const members = target(
  'members of a body',
  fc.tuple(
    fc.oneof(
      almost([
        '{"secret":"s","a":{"secret":"t"}}',
        ' { "a" : { "x" : [ "\\"" , {} ] , "secret" : "\\u0073\\\\" } , "secret" : -1.5e+3 } ',
        '\ufeff{"\\u0073ecret":"s","\\u00e9\\"\\\\":{"b":null}}',
      ]).map((text) => Buffer.from(text)),
      fc.json({ maxDepth: 3 }).map((text) => Buffer.from(text)),
    ),
    memberPath,
  ),
  ([body, path]) => {
    const ranges = findMember(body, path)
    const parsed = parsedOf(body)
    if (ranges === undefined) return parsed === undefined ? undefined : 'took JSON for none'
    if (parsed === undefined) return 'took for JSON what is none'
    const at = memberAt(parsed, path)
    if (at !== undefined && ranges.length === 0) return 'did not find it'
    for (const range of ranges) {
      const value = parsedOf(body.subarray(range.start, range.end))
      if (value === undefined) return 'found what is no value'
      if (typeof value === 'string' && stringAt(body, range) !== value) return 'reads another text'
    }
    if (at === undefined) return undefined
    const replaced = parsedOf(replaceRanges(body, ranges, Buffer.from('"cut out"')))
    return memberAt(replaced, path)?.value === 'cut out' ? undefined : 'did not replace it'
  },
)

function memberAt(value: unknown, path: readonly string[]): { readonly value: unknown } | undefined {
  let current = { value }
  for (const name of path) {
    const { value: holder } = current
    if (typeof holder !== 'object' || holder === null || Array.isArray(holder)) return undefined
    const own = Object.getOwnPropertyDescriptor(holder, name)
    if (own === undefined) return undefined
    current = { value: own.value as unknown }
  }
  return current
}

const structuredFields = target('structured fields', structuredFieldInputs, wrongInStructuredField)

const messageSignatureParameters = target(
  'message signatures',
  messageSignatureInputs,
  wrongInMessageSignature,
)

export const targets: readonly Target[] = [
  timestamps,
  headers,
  shapes,
  signatureHeaders,
  structuredFields,
  messageSignatureParameters,
  encodings,
  envelopes,
  members,
]

/** Draws inputs of a target until one fails; the failure, or `undefined`. */
export function firstFailure({ property }: Target, inputs: number, seed: number): string | undefined {
  const result = fc.check(property, { numRuns: inputs, seed, endOnFailure: true })
  if (!result.failed) return undefined
  const { counterexample, errorInstance } = result
  const complaint = errorInstance instanceof Error ? errorInstance.message : String(errorInstance)
  return `${complaint}: ${fc.stringify(counterexample)}`
}
