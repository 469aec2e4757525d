import { parseJson } from './place.ts'

/** A stretch of a body: from its first byte to the one after its last. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/**
 * Where the values of a member stand in a JSON body, byte for byte; more than one where a name on the way comes twice.
 * `undefined` where the body is not JSON. Only objects are entered.
 *
 * `JSON.parse` says what a value is but not where, takes the last of doubled names, and cannot be inverted without
 * changing the bytes around it.
 */
export function findMember(body: Uint8Array, path: readonly string[]): readonly ByteRange[] | undefined {
  if (parseJson(body) === undefined) return undefined
  const found: ByteRange[] = []
  // Nothing that is JSON begins so but a byte order mark.
  collect(body, skipSpace(body, body[0] === 0xef ? 3 : 0), namesOf(path), found)
  return found
}

function namesOf(path: readonly string[]): readonly MemberName[] {
  return path.map((name) => ({ name, bytes: Buffer.from(name) }))
}

/** More than any provider puts into one request; beyond it a sender is spending our time. */
const MAX_ELEMENTS = 1000

/**
 * Where the values of a member stand in each element of an array; `undefined` where the body is not JSON, the array is
 * not there once, or has over 1000 elements.
 */
export function findInEach(
  body: Uint8Array,
  array: readonly string[],
  path: readonly string[],
): readonly (readonly ByteRange[])[] | undefined {
  const arrays = findMember(body, array)
  const range = arrays?.length === 1 ? arrays[0] : undefined
  if (range === undefined || body[range.start] !== OPEN_ARRAY) return undefined
  const names = namesOf(path)
  const elements: ByteRange[][] = []
  let at = skipSpace(body, range.start + 1)
  while (at < range.end - 1) {
    if (elements.length === MAX_ELEMENTS) return undefined
    const found: ByteRange[] = []
    collect(body, at, names, found)
    elements.push(found)
    // Past the comma, or past the bracket that ends the array.
    at = skipSpace(body, skipSpace(body, skipValue(body, at)) + 1)
  }
  return elements
}

/** The text of the string at a range; `undefined` where the value is none. */
export function stringAt(body: Uint8Array, range: ByteRange): string | undefined {
  if (body[range.start] !== QUOTE) return undefined
  return parseJson(body.subarray(range.start, range.end)) as string
}

/** The body with other bytes in the place of each range, and every other byte as it was. Ranges in order. */
export function replaceRanges(
  body: Uint8Array,
  ranges: readonly ByteRange[],
  replacement: Uint8Array,
): Uint8Array {
  const pieces: Uint8Array[] = []
  let from = 0
  for (const { start, end } of ranges) {
    pieces.push(body.subarray(from, start), replacement)
    from = end
  }
  return Buffer.concat([...pieces, body.subarray(from)])
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
const COMMA = 0x2c

interface MemberName {
  readonly name: string
  readonly bytes: Uint8Array
}

/** From here on the body is known to be JSON, so that every string, object and array ends. */
function collect(body: Uint8Array, start: number, path: readonly MemberName[], found: ByteRange[]): void {
  const [name, ...rest] = path
  if (name === undefined || body[start] !== OPEN_OBJECT) return
  let at = skipSpace(body, start + 1)
  while (body[at] === QUOTE) {
    const key = { start: at, end: skipString(body, at) }
    const valueStart = skipSpace(body, skipSpace(body, key.end) + 1)
    const value = { start: valueStart, end: skipValue(body, valueStart) }
    if (isName(body, key, name)) {
      if (rest.length === 0) found.push(value)
      else collect(body, value.start, rest, found)
    }
    at = skipSpace(body, value.end)
    if (body[at] === COMMA) at = skipSpace(body, at + 1)
  }
}

/**
 * Parsed only where it is escaped and long enough: an escape is longer than what it stands for, and a megabyte of names
 * parsed one by one would keep everybody else waiting.
 */
function isName(body: Uint8Array, key: ByteRange, { name, bytes }: MemberName): boolean {
  if (key.end - key.start - 2 < bytes.length) return false
  const written = body.subarray(key.start + 1, key.end - 1)
  if (written.includes(BACKSLASH)) return stringAt(body, key) === name
  return Buffer.compare(written, bytes) === 0
}

/** Without recursion: a body may be nested as deep as it is long. */
function skipValue(body: Uint8Array, start: number): number {
  let at = start
  let depth = 0
  do {
    const byte = body[at]
    if (byte === QUOTE) {
      at = skipString(body, at)
      continue
    }
    if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) depth += 1
    else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) depth -= 1
    else if (depth === 0) return skipLiteral(body, at)
    at += 1
  } while (depth > 0 && at < body.length)
  return at
}

function skipString(body: Uint8Array, start: number): number {
  let at = start + 1
  while (at < body.length && body[at] !== QUOTE) at += body[at] === BACKSLASH ? 2 : 1
  return at + 1
}

/** A number, `true`, `false` or `null`. */
function skipLiteral(body: Uint8Array, start: number): number {
  let at = start
  while (isLiteralByte(body[at] as number)) at += 1
  return at
}

/** Digits, `+`, `-`, `.`, `E`, and the letters from `a` to `u`, of which the others are made. Behind the end there is none. */
function isLiteralByte(byte: number): boolean {
  return (
    (byte >= 0x30 && byte <= 0x39) ||
    (byte >= 0x61 && byte <= 0x75) ||
    byte === 0x45 ||
    byte === 0x2b ||
    byte === 0x2d ||
    byte === 0x2e
  )
}

function skipSpace(body: Uint8Array, start: number): number {
  let at = start
  while (isSpace(body[at] as number)) at += 1
  return at
}

/** RFC 8259 §2: space, tab, line feed, carriage return. Behind the end there is none. */
function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d
}
