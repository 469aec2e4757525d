import { gzipSync } from 'node:zlib'
import type { SignatureScheme } from '../../packages/postern/src/core/index.ts'
import type { Cause } from '../../packages/postern/src/explain/index.ts'
import type { Breakage } from './breakages.ts'
import { isSignature, signedSample } from './signed-sample.ts'

const NOT_ASCII = /\P{ASCII}/gu

interface BodyBreakage {
  readonly name: string
  readonly cause: Cause
  readonly signed: (body: string) => Uint8Array | string
  readonly arrives: (body: string) => Uint8Array | string
  /** Bytes are lost, so that nothing can be proven. */
  readonly isLossy?: true
}

/** What happens to bodies: how one was signed, and what became of that on its way. */
const kinds: readonly BodyBreakage[] = [
  { name: 'indented', cause: 'body_reserialised', signed: String, arrives: (body) => pretty(body, 2) },
  {
    name: 'written compactly',
    cause: 'body_reserialised',
    signed: (body) => pretty(body, 4),
    arrives: String,
  },
  {
    name: 'spaced, as Python writes it, and then compactly',
    cause: 'body_reserialised',
    signed: (body) => spaced(body),
    arrives: String,
  },
  {
    name: 'unescaped from \\u',
    cause: 'body_reserialised',
    signed: (body) => ascii(body),
    arrives: String,
  },
  { name: 'escaped to \\u', cause: 'body_reserialised', signed: String, arrives: (body) => ascii(body) },
  {
    name: 'unescaped from \\/',
    cause: 'body_reserialised',
    signed: (body) => body.replaceAll('/', '\\/'),
    arrives: String,
  },
  {
    name: 'sorted by key',
    cause: 'body_reserialised',
    signed: String,
    arrives: (body) => JSON.stringify(sorted(JSON.parse(body))),
    isLossy: true,
  },
  {
    name: 'put into a string',
    cause: 'body_reserialised',
    signed: String,
    arrives: (body) => JSON.stringify(body),
  },
  {
    name: 'with a line break after it',
    cause: 'body_newline',
    signed: String,
    arrives: (body) => `${body}\n`,
  },
  { name: 'without its line break', cause: 'body_newline', signed: (body) => `${body}\n`, arrives: String },
  {
    name: 'with CR LF',
    cause: 'body_line_endings',
    signed: (body) => pretty(body, 2),
    arrives: (body) => pretty(body, 2).replaceAll('\n', '\r\n'),
  },
  {
    name: 'without CR',
    cause: 'body_line_endings',
    signed: (body) => pretty(body, 2).replaceAll('\n', '\r\n'),
    arrives: (body) => pretty(body, 2),
  },
  {
    name: 'with a byte order mark',
    cause: 'body_byte_order_mark',
    signed: String,
    arrives: (body) => `\uFEFF${body}`,
  },
  {
    name: 'without its byte order mark',
    cause: 'body_byte_order_mark',
    signed: (body) => `\uFEFF${body}`,
    arrives: String,
  },
  {
    name: 'read as Latin-1',
    cause: 'body_charset',
    signed: (body) => body,
    arrives: (body) => Buffer.from(body, 'utf8').toString('latin1'),
  },
  {
    name: 'turned from Latin-1 into UTF-8',
    cause: 'body_charset',
    signed: (body) => Buffer.from(body, 'latin1'),
    arrives: (body) => Buffer.from(body, 'latin1').toString('latin1'),
  },
  {
    name: 'in UTF-16',
    cause: 'body_charset',
    signed: String,
    arrives: (body) => Buffer.from(body, 'utf16le'),
  },
  { name: 'inflated', cause: 'body_decompressed', signed: (body) => gzipSync(body), arrives: String },
  { name: 'compressed', cause: 'body_compressed', signed: String, arrives: (body) => gzipSync(body) },
  {
    name: 'in base64',
    cause: 'body_base64',
    signed: String,
    arrives: (body) => Buffer.from(body).toString('base64'),
  },
  { name: 'lost', cause: 'body_empty', signed: String, arrives: () => '', isLossy: true },
  {
    name: 'with its bytes replaced by U+FFFD',
    cause: 'body_charset',
    signed: String,
    arrives: (body) => body.replaceAll(NOT_ASCII, '\uFFFD'),
    isLossy: true,
  },
]

export const bodyBreakages: readonly Breakage[] = kinds.map(({ name, cause, signed, arrives, isLossy }) => ({
  name: `the body ${name}`,
  cause,
  isProven: isLossy !== true,
  make: (of, nowMs, body) => {
    if (!isSignature(of.scheme) || !of.scheme.content.includes('body') || readsBody(of.scheme))
      return undefined
    const before = Buffer.from(signed(body))
    const after = Buffer.from(arrives(body))
    if (before.equals(after)) return undefined
    return { arrived: { ...signedSample(of, { nowMs, body: before }), body: after } }
  },
}))

function readsBody({ signature, timestamp, id, content }: SignatureScheme): boolean {
  return [...signature.in, timestamp?.in, id?.in, ...content].some(
    (place) => typeof place === 'object' && 'json' in place,
  )
}

function pretty(body: string, indent: number): string {
  return JSON.stringify(JSON.parse(body), undefined, indent)
}

function ascii(text: string): string {
  return text.replaceAll(NOT_ASCII, (character) =>
    Array.from({ length: character.length }, (_, at) => {
      const unit = character.charCodeAt(at).toString(16)
      return `\\u${unit.padStart(4, '0')}`
    }).join(''),
  )
}

/** As `json.dumps` writes it. */
function spaced(body: string): string {
  const write = (value: unknown): string => {
    if (Array.isArray(value)) return `[${value.map(write).join(', ')}]`
    if (typeof value !== 'object' || value === null) return ascii(JSON.stringify(value))
    const members = Object.entries(value).map(
      ([name, each]) => `${ascii(JSON.stringify(name))}: ${write(each)}`,
    )
    return `{${members.join(', ')}}`
  }
  return write(JSON.parse(body))
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([left], [right]) => (left < right ? -1 : 1))
      .map(([name, each]) => [name, sorted(each)]),
  )
}
