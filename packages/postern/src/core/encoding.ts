/** How bytes are written as text in a header or a secret. */
export type Encoding = 'hex' | 'base64' | 'base64url'

/**
 * Decodes text strictly, or answers `undefined`.
 *
 * `Buffer.from` skips characters it does not know, stops at the first odd one and takes base64url for base64;
 * a verifier built on it accepts many spellings of one signature. Here only the canonical form passes. Hex may be
 * in either case, since RFC 4648 §8 makes both the same value.
 */
export function decodeStrictly(text: string, encoding: Encoding): Uint8Array | undefined {
  if (encoding === 'hex') {
    return text.length % 2 === 0 && /^[0-9A-Fa-f]+$/.test(text) ? Buffer.from(text, 'hex') : undefined
  }
  const bytes = Buffer.from(text, encoding)
  return bytes.length > 0 && bytes.toString(encoding) === text ? bytes : undefined
}

/** Encodes bytes in the canonical form that `decodeStrictly` accepts. */
export function encode(bytes: Uint8Array, encoding: Encoding): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(encoding)
}
