import { isAscii } from 'node:buffer'
import { brotliDecompressSync, deflateSync, gunzipSync, gzipSync, inflateSync } from 'node:zlib'
import type { WebhookRequest } from '../../core/index.ts'
import type { Cause } from '../finding.ts'
import type { Effort } from '../effort.ts'
import { isSigning, type Repair } from '../subject.ts'

/** The bytes of the body changed, whatever they mean. */
export const changedBytes: Repair = function* ({ scheme, request, maxBodyBytes, effort }) {
  if (!isSigning(scheme)) return
  const body = Buffer.from(request.body.buffer, request.body.byteOffset, request.body.byteLength)
  for (const { cause, undoing, undo } of UNDOINGS) {
    const before = attempt(() => undo(body, maxBodyBytes, effort))
    if (before === undefined || before.equals(body)) continue
    yield { cause, undoing, request: { ...request, body: before } satisfies WebhookRequest }
  }
  if (body.byteLength > MOST_COMPRESSED_BYTES)
    effort.giveUp(`compressing the body, which has more than ${MOST_COMPRESSED_BYTES} bytes`)
}

interface Undoing {
  readonly cause: Cause
  readonly undoing: string
  /** `undefined`, or a throw, where there is nothing to undo. */
  readonly undo: (body: Buffer, maxBytes: number, effort: Effort) => Buffer | undefined
}

const MARK = Buffer.from([0xef, 0xbb, 0xbf])
/** Bodies that something compressed for signing are small; compressing more costs more than it tells. */
const MOST_COMPRESSED_BYTES = 256 * 1024

/** No text that anybody reads has as many (UAX #15, Stream-Safe Text Format), and sorting them takes time by the square of their number. */
const MARKS_IN_A_ROW = /\p{M}{31}/u

const UNDOINGS: readonly Undoing[] = [
  {
    cause: 'body_newline',
    undoing: 'once the line break at the body’s end is cut off',
    undo: (body) => asBytes(body, (text) => text.replace(/\r?\n$/, '')),
  },
  {
    cause: 'body_newline',
    undoing: 'once all white space around the body is cut off',
    undo: (body) => asBytes(body, (text) => text.trim()),
  },
  {
    cause: 'body_newline',
    undoing: 'once a line break follows the body',
    undo: (body) => Buffer.concat([body, Buffer.from('\n')]),
  },
  {
    cause: 'body_newline',
    undoing: 'once CR and LF follow the body',
    undo: (body) => Buffer.concat([body, Buffer.from('\r\n')]),
  },
  {
    cause: 'body_line_endings',
    undoing: 'once CR LF in the body is LF',
    undo: (body) => asBytes(body, (text) => text.replaceAll('\r\n', '\n')),
  },
  {
    cause: 'body_line_endings',
    undoing: 'once LF in the body is CR LF',
    undo: (body) => asBytes(body, (text) => text.replaceAll(/(?<!\r)\n/g, '\r\n')),
  },
  {
    cause: 'body_byte_order_mark',
    undoing: 'once the byte order mark before the body is cut off',
    undo: (body) => (body.subarray(0, 3).equals(MARK) ? body.subarray(3) : undefined),
  },
  {
    cause: 'body_byte_order_mark',
    undoing: 'once a byte order mark stands before the body',
    undo: (body) => Buffer.concat([MARK, body]),
  },
  {
    cause: 'body_charset',
    undoing: 'once the body is read as Latin-1 in place of UTF-8',
    undo: (body) => (isAscii(body) ? undefined : Buffer.from(body.toString('latin1'), 'utf8')),
  },
  {
    cause: 'body_charset',
    undoing:
      'once the body is written in Latin-1 in place of UTF-8, as which it had been read and written again',
    undo: (body) => (isAscii(body) ? undefined : Buffer.from(body.toString('utf8'), 'latin1')),
  },
  ...(['NFC', 'NFD'] as const).map((form) => ({
    cause: 'body_charset' as const,
    undoing: `once the body is in the Unicode form ${form}`,
    undo: (body: Buffer, _: number, effort: Effort) => {
      const text = isAscii(body) ? '' : body.toString('utf8')
      if (!MARKS_IN_A_ROW.test(text))
        return text === '' ? undefined : Buffer.from(text.normalize(form), 'utf8')
      effort.giveUp('the Unicode forms of the body, which has more than 30 combining marks in a row')
      return undefined
    },
  })),
  {
    cause: 'body_charset',
    undoing: 'once the body is in UTF-16',
    undo: (body) => Buffer.from(body.toString('utf8'), 'utf16le'),
  },
  {
    cause: 'body_charset',
    undoing: 'once the body, which is in UTF-16, is in UTF-8',
    undo: (body) =>
      body.includes(0) ? Buffer.from(body.toString('utf16le').replace(/^\uFEFF/, ''), 'utf8') : undefined,
  },
  {
    cause: 'body_compressed',
    undoing: 'once the body is inflated from gzip',
    undo: (body, maxOutputLength) => gunzipSync(body, { maxOutputLength }),
  },
  {
    cause: 'body_compressed',
    undoing: 'once the body is inflated from deflate',
    undo: (body, maxOutputLength) => inflateSync(body, { maxOutputLength }),
  },
  {
    cause: 'body_compressed',
    undoing: 'once the body is inflated from br',
    undo: (body, maxOutputLength) =>
      isText(body) ? undefined : brotliDecompressSync(body, { maxOutputLength }),
  },
  {
    cause: 'body_base64',
    undoing: 'once the body is decoded from base64',
    undo: (body) =>
      // Where the padding stands does not matter; a pattern that demands it takes time by the square of the body's length.
      /^[A-Za-z0-9+/=\s]+$/.test(body.toString('latin1'))
        ? Buffer.from(body.toString('latin1'), 'base64')
        : undefined,
  },
  // A compressor has few settings, and most senders leave them as they are.
  ...[6, 9, 1].flatMap((level) =>
    [3, 255, 0].map((system) => ({
      cause: 'body_decompressed' as const,
      undoing: `once the body is compressed by gzip (level ${level}), as it was sent`,
      undo: (body: Buffer) => small(body, () => fromSystem(gzipSync(body, { level }), system)),
    })),
  ),
  {
    cause: 'body_decompressed',
    undoing: 'once the body is compressed by deflate, as it was sent',
    undo: (body) => small(body, () => deflateSync(body)),
  },
]

/** RFC 1952 §2.3: the tenth byte names the system that compressed; 3 is Unix, 255 unknown. */
function fromSystem(compressed: Buffer, system: number): Buffer {
  compressed[9] = system
  return compressed
}

function small(body: Buffer, compress: () => Buffer): Buffer | undefined {
  return body.byteLength <= MOST_COMPRESSED_BYTES ? compress() : undefined
}

/** As Latin-1, which loses no byte. */
function asBytes(body: Buffer, change: (text: string) => string): Buffer {
  return Buffer.from(change(body.toString('latin1')), 'latin1')
}

function isText(body: Buffer): boolean {
  return body[0] === 0x7b || body[0] === 0x5b || isAscii(body)
}

function attempt(undo: () => Buffer | undefined): Buffer | undefined {
  try {
    return undo()
  } catch {
    return undefined
  }
}
