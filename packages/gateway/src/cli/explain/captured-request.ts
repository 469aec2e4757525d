import type { RequestLike } from 'postern'
import { messageOf } from '../../config/problem.ts'
import { UsageError } from '../usage-error.ts'

/** A request that somebody kept, and when it came, where that was kept too. */
export interface CapturedRequest extends RequestLike {
  readonly method: string
  readonly url: string
  readonly headers: readonly string[]
  readonly body: Uint8Array
  readonly receivedMs?: number
}

/**
 * Reads a request in whatever form it was kept: as it stood on the wire; as JSON `{ method, url, headers, body }` with
 * `bodyBase64` for one that is no text, as `postern rejected --json` prints it; as a HAR; or as the `>` lines of `curl -v`, which have no body. Throws
 * `UsageError` for what is none of these.
 */
export function readCaptured(bytes: Uint8Array): CapturedRequest {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (file.toString('latin1').trim() === '') throw unreadable('it is empty')
  if (/^\s*\{/.test(file.subarray(0, 64).toString('latin1'))) return fromJson(file)
  if (/^(?:\*|>) /m.test(file.toString('latin1')) && !REQUEST_LINE.test(firstLine(file)))
    return fromCurl(file)
  return fromWire(file)
}

const REQUEST_LINE = /^([A-Za-z]{1,16}) (\S{1,8192})(?: HTTP\/\d(?:\.\d)?)?$/

function fromJson(file: Buffer): CapturedRequest {
  const parsed = parsedObject(file)
  const log = parsed['log']
  if (isObject(log) && Array.isArray(log['entries'])) return fromHar(log['entries'] as readonly unknown[])
  const { method = 'POST', url = '', headers, body = '', bodyBase64, bodyBytes, receivedMs } = parsed
  if (headers === undefined)
    throw unreadable('it has no headers: a body alone says nothing; give the whole request')
  if (typeof method !== 'string' || typeof url !== 'string') throw unreadable('method and url must be texts')
  if (bodyBase64 !== undefined && typeof bodyBase64 !== 'string')
    throw unreadable('bodyBase64 must be a text')
  if (typeof body !== 'string') {
    throw unreadable('body must be a text, exactly as it came: written again, it is another one')
  }
  if (receivedMs !== undefined && !Number.isSafeInteger(receivedMs))
    throw unreadable('receivedMs must be a whole number')
  const decoded = bodyBase64 === undefined ? Buffer.from(body, 'utf8') : Buffer.from(bodyBase64, 'base64')
  if (typeof bodyBytes === 'number' && bodyBytes !== decoded.byteLength)
    throw unreadable(`only ${decoded.byteLength} of the ${bodyBytes} bytes of its body were kept`)
  return {
    method,
    url,
    headers: headerList(headers),
    body: decoded,
    ...(typeof receivedMs === 'number' && { receivedMs }),
  }
}

function parsedObject(file: Buffer): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(file.toString('utf8'))
    if (isObject(parsed)) return parsed
  } catch (error) {
    throw unreadable(messageOf(error))
  }
  throw unreadable('it is no JSON object')
}

/** An object of names and values, pairs of both, or both in turn. */
function headerList(headers: unknown): readonly string[] {
  if (Array.isArray(headers)) {
    const flat: readonly unknown[] = (headers as readonly unknown[]).flat()
    if (flat.length % 2 === 0 && flat.every((each) => typeof each === 'string')) return flat
  } else if (isObject(headers)) {
    return Object.entries(headers).flatMap(([name, value]) => {
      const values: readonly unknown[] = Array.isArray(value) ? (value as readonly unknown[]) : [value]
      return values.flatMap((each) => [name, String(each)])
    })
  }
  throw unreadable('headers must be an object, pairs of name and value, or names and values in turn')
}

/** HAR 1.2: the first request that has a body, or else the first. */
function fromHar(entries: readonly unknown[]): CapturedRequest {
  const requests = entries.filter(isObject).filter(({ request }) => isObject(request))
  const entry =
    requests.find(({ request }) => isObject(request) && isObject(request['postData'])) ?? requests[0]
  const request = entry?.['request']
  if (!isObject(request)) throw unreadable('the HAR has no request')
  const { method, url, headers, postData } = request
  const pairs = Array.isArray(headers) ? (headers as readonly unknown[]).filter(isObject) : []
  const text = isObject(postData) ? postData['text'] : ''
  const receivedMs = Date.parse(String(entry?.['startedDateTime']))
  return {
    method: String(method),
    url: String(url),
    // The pseudo-headers of HTTP/2 are among them.
    headers: pairs.flatMap(({ name, value }) =>
      String(name).startsWith(':') ? [] : [String(name), String(value)],
    ),
    body: Buffer.from(typeof text === 'string' ? text : '', 'utf8'),
    ...(!Number.isNaN(receivedMs) && { receivedMs }),
  }
}

/** What curl has sent, of what it says with `-v`. */
function fromCurl(file: Buffer): CapturedRequest {
  const sent = [...file.toString('latin1').matchAll(/^> ?(.*?)\r?$/gm)].map(([, line = '']) => line)
  const end = sent.indexOf('')
  const head = end < 0 ? sent : sent.slice(0, end)
  return { ...fromHead(head), body: new Uint8Array() }
}

/** RFC 9112: the head, an empty line, and the rest is the body, as long as its header says. */
function fromWire(file: Buffer): CapturedRequest {
  const text = file.toString('latin1')
  const end = /\r?\n\r?\n/.exec(text)
  const head = text.slice(0, end?.index ?? text.length).split(/\r?\n/)
  const rest = end === null ? Buffer.alloc(0) : file.subarray(end.index + end[0].length)
  const request = fromHead(head)
  const length = Number(valueOf(request.headers, 'content-length') ?? rest.byteLength)
  if (/\bchunked\b/i.test(valueOf(request.headers, 'transfer-encoding') ?? '')) {
    return { ...request, body: unchunked(rest) }
  }
  // An editor adds a line break at the end of a file, which is none of the request's.
  const isLonger = Number.isSafeInteger(length) && rest.subarray(length).toString('latin1').trim() === ''
  return { ...request, body: isLonger ? rest.subarray(0, length) : rest }
}

function fromHead(lines: readonly string[]): Omit<CapturedRequest, 'body'> {
  const [start = '', ...fields] = lines
  const [, method, url] = REQUEST_LINE.exec(start) ?? []
  if (method === undefined || url === undefined) {
    throw unreadable('its first line is none of a request, such as POST /webhooks/vastai HTTP/1.1')
  }
  const headers: string[] = []
  for (const field of fields) {
    const [, name, value = ''] = /^([^\s:]+):[ \t]*(.*?)[ \t]*$/.exec(field) ?? []
    if (name !== undefined) headers.push(name, value)
    // RFC 9112 §5.2: a line that begins with white space goes on with the one before.
    else if (/^[ \t]/.test(field) && headers.length > 0) headers.push(`${headers.pop()}\r\n${field}`)
    else throw unreadable('a line of its head is no header')
  }
  return { method, url, headers }
}

/** RFC 9112 §7.1. */
function unchunked(bytes: Buffer): Buffer {
  const chunks: Buffer[] = []
  let at = 0
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at)
    const size = /^[0-9a-f]{1,8}/i.exec(bytes.subarray(at, Math.max(at, lineEnd)).toString('latin1'))?.[0]
    if (lineEnd < 0 || size === undefined) throw unreadable('its body says that it is in chunks, and is not')
    const length = Number.parseInt(size, 16)
    if (length === 0) return Buffer.concat(chunks)
    chunks.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + length))
    at = lineEnd + 2 + length + 2
  }
}

function firstLine(file: Buffer): string {
  return file.subarray(0, 16_384).toString('latin1').split(/\r?\n/, 1)[0] ?? ''
}

function valueOf(headers: readonly string[], name: string): string | undefined {
  const index = headers.findIndex((each, at) => at % 2 === 0 && each.toLowerCase() === name)
  return index < 0 ? undefined : headers[index + 1]
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function unreadable(why: string): UsageError {
  return new UsageError(`--request cannot be read: ${why}`)
}
