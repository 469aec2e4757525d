import { opensslHmac } from './openssl.ts'

/** The test's clock: every request is signed at, and every inbox lives in, this moment. */
export const NOW_MS = 1_772_490_000_000
export const NOW_SECONDS = NOW_MS / 1000

export const SECRET = 'whsec_3f9c2b7d51e84a06b9d0c4e7'

export type Vendor = 'vastai' | 'castai' | 'coreweave' | 'anima'

/** A request to be sent, byte for byte. */
export interface Outgoing {
  readonly method: string
  readonly path: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: Buffer
}

export interface SigningOptions {
  readonly vendor?: Vendor
  readonly secret?: string
  /** The text of the timestamp header. */
  readonly timestamp?: string
  readonly contentType?: string
}

/** A request in the seeds' scheme: bare hexadecimal over `<timestamp>.<body>`, signed by openssl. */
export function seedRequest(body: string | Uint8Array, options: SigningOptions = {}): Outgoing {
  const { vendor = 'vastai', secret = SECRET, timestamp = String(NOW_SECONDS) } = options
  const { contentType = 'application/json' } = options
  return {
    method: 'POST',
    path: `/webhooks/${vendor}`,
    headers: [
      ['Content-Type', contentType],
      [`X-${vendor}-Signature`, opensslHmac(secret, `${timestamp}.`, body)],
      [`X-${vendor}-Timestamp`, timestamp],
    ],
    body: Buffer.from(body),
  }
}

/** A body in the seeds' envelope. */
export function seedBody(id: string, fields: object = {}): string {
  return JSON.stringify({
    id,
    type: 'resource.created',
    data: { resource: 'res_1' },
    created: '2026-03-02T22:20:00Z',
    ...fields,
  })
}

/** A signed seed request for an event of this id. */
export function seedEvent(id: string, fields: object = {}, options: SigningOptions = {}): Outgoing {
  return seedRequest(seedBody(id, fields), options)
}

/** The one sample that Vast.ai documents. */
export const VAST_SAMPLE =
  '{"event_id":"7e9a2c4e6f9e4a24a53b77c2d8e3f0aa","user_id":123,"notif_type":"low_credit","subject":"Warning - Your Vast.ai Credit Balance Is Getting Low","message":"Your Vast.ai balance is below your configured threshold.","timestamp":1772490000.123}'

/** A notification as Vast.ai documents it: `X-Vast-Signature-256: sha256=<hex>` over `<timestamp>.<body>`. */
export function vastRequest(body: string | Uint8Array, timestamp: string = String(NOW_SECONDS)): Outgoing {
  return {
    method: 'POST',
    path: '/webhooks/vastai',
    headers: [
      ['Content-Type', 'application/json'],
      ['X-Vast-Event-Id', '7e9a2c4e6f9e4a24a53b77c2d8e3f0aa'],
      ['X-Vast-Delivery-Attempt', '1'],
      ['X-Vast-Timestamp', timestamp],
      ['X-Vast-Signature-256', `sha256=${opensslHmac(SECRET, `${timestamp}.`, body)}`],
    ],
    body: Buffer.from(body),
  }
}

/** The flat body of Anima Labs' SDK tests. */
export const ANIMA_LABS_SAMPLE =
  '{"event":"message.received","occurredAt":"2026-03-02T22:19:59.500Z","messageId":"msg_1","agentId":"agt_1"}'

/** An event as Anima Labs signs it: `v1=<hex>` over `<ISO-8601 timestamp>.<body>`. */
export function animaLabsRequest(body: string | Uint8Array, deliveryId: string): Outgoing {
  const timestamp = new Date(NOW_MS).toISOString()
  return {
    method: 'POST',
    path: '/webhooks/anima',
    headers: [
      ['Content-Type', 'application/json'],
      ['X-Anima-Event', 'message.received'],
      ['X-Anima-Delivery-Id', deliveryId],
      ['X-Anima-Timestamp', timestamp],
      ['X-Anima-Signature', `v1=${opensslHmac(SECRET, `${timestamp}.`, body)}`],
    ],
    body: Buffer.from(body),
  }
}

/** The value of a header. */
export function headerOf(request: Outgoing, name: string): string {
  const found = request.headers.find(([candidate]) => candidate.toLowerCase() === name.toLowerCase())
  if (found === undefined) throw new Error(`the request has no ${name}`)
  return found[1]
}

/** The request without a header. */
export function without(request: Outgoing, name: string): Outgoing {
  const kept = request.headers.filter(([candidate]) => candidate.toLowerCase() !== name.toLowerCase())
  return { ...request, headers: kept }
}

/** The request with one more header; a second of the same name stays beside the first. */
export function adding(request: Outgoing, name: string, value: string): Outgoing {
  return { ...request, headers: [...request.headers, [name, value]] }
}

/** The request with a header's value changed. */
export function changing(request: Outgoing, name: string, change: (value: string) => string): Outgoing {
  return {
    ...request,
    headers: request.headers.map(([candidate, value]) =>
      candidate.toLowerCase() === name.toLowerCase() ? [candidate, change(value)] : [candidate, value],
    ),
  }
}

/** The request with another body under the same headers. */
export function tampered(request: Outgoing, change: (body: Buffer) => Buffer): Outgoing {
  return { ...request, body: change(Buffer.from(request.body)) }
}

/** The bytes of a request on the wire, with a `Content-Length`. Header values are written as Latin-1. */
export function wire(request: Outgoing): Buffer {
  return Buffer.concat([head(request, [['Content-Length', String(request.body.byteLength)]]), request.body])
}

/** The bytes of a request on the wire, its body in chunks of the sizes given and the rest. */
export function chunkedWire(request: Outgoing, ...sizes: number[]): Buffer {
  const pieces: Buffer[] = [head(request, [['Transfer-Encoding', 'chunked']])]
  let at = 0
  for (const size of [...sizes, request.body.byteLength]) {
    const piece = request.body.subarray(at, at + size)
    if (piece.byteLength > 0) pieces.push(chunk(piece))
    at += size
  }
  return Buffer.concat([...pieces, Buffer.from('0\r\n\r\n')])
}

/** One chunk of a chunked body. */
export function chunk(bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.byteLength.toString(16)}\r\n`), bytes, Buffer.from('\r\n')])
}

/** The request line and headers on the wire. */
export function head(request: Outgoing, further: Outgoing['headers'] = []): Buffer {
  const lines = [['Host', 'localhost'] as const, ...request.headers, ...further]
  const text = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  return Buffer.from(`${request.method} ${request.path} HTTP/1.1\r\n${text}\r\n`, 'latin1')
}
