import { PosternError } from '../core/index.ts'

/** The characters of a token (RFC 9110, 5.6.2), of which a field's name is one. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9a-z-]+$/

/** A header's name as schemes have it, in lower case. Throws for what is none, and names the option. */
export function headerName(provider: string, option: string, value: unknown): string {
  const name = typeof value === 'string' ? value.toLowerCase() : ''
  if (TOKEN.test(name)) return name
  throw new PosternError(
    'bad_config',
    `${provider}: ${option} must be a header's name, such as 'X-Webhook-Signature'`,
  )
}
