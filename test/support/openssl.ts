import { execFileSync } from 'node:child_process'

/**
 * HMAC-SHA256 in hexadecimal by the `openssl` command line. A request that only our own `sign` has signed would prove
 * no more than that `sign` and `verify` share their mistakes.
 */
export function opensslHmac(secret: string, ...parts: (string | Uint8Array)[]): string {
  const input = Buffer.concat(parts.map((part) => Buffer.from(part)))
  const line = execFileSync('openssl', ['dgst', '-sha256', '-hmac', secret], { input, encoding: 'utf8' })
  const hex = /= ([0-9a-f]{64})\s*$/.exec(line)?.[1]
  if (hex === undefined) throw new Error(`openssl printed ${JSON.stringify(line)}`)
  return hex
}
