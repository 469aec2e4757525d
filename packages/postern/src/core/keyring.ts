import { sha256 } from './crypto.ts'
import { decodeStrictly } from './encoding.ts'
import { PosternError } from './errors.ts'
import type { Provider } from './provider.ts'
import type { KeyFormat } from './scheme.ts'
import { unsound } from './source-options.ts'

/** Shortest secret that is accepted without a warning: 128 bits. */
const WEAK_BELOW_BYTES = 16

/**
 * The keys that one scheme verifies with, in the order the secrets were given.
 *
 * A class for the sake of `#keys`: a private field is not seen by `JSON.stringify`, `util.inspect`, spread or a
 * debugger's console line, so that a source may be logged.
 */
export class Keyring {
  readonly #keys: readonly Uint8Array[]
  readonly #digests: readonly string[]
  /** How many keys there are; 0 until a secret is configured. */
  readonly size: number
  /** Whether any key is shorter than 16 bytes. */
  readonly hasWeakKey: boolean

  constructor(secrets: readonly string[], format: KeyFormat) {
    this.#keys = secrets.map((secret) => decodeSecret(secret, format))
    this.#digests = secrets.map((secret) => sha256(secret).toString('hex'))
    this.size = this.#keys.length
    this.hasWeakKey = this.#keys.some((key) => key.byteLength < WEAK_BELOW_BYTES)
  }

  /** Calls `visit` with every key and its index; all of them, so that time does not tell which one matched. */
  forEach(visit: (key: Uint8Array, index: number) => void): void {
    this.#keys.forEach(visit)
  }

  /** Digests of the secrets as they were given, whatever keys they were decoded to. */
  digests(): readonly string[] {
    return this.#digests
  }

  /** The key that signs: the first, which is the newest where secrets are listed newest first. */
  first(): Uint8Array | undefined {
    return this.#keys[0]
  }
}

/** What a source is configured with where that is no secret, but says who or what is expected: it may be short. */
export class OpenKeyring extends Keyring {
  override readonly hasWeakKey = false

  constructor(texts: readonly string[]) {
    super(texts, { as: 'utf8' })
  }
}

/**
 * Secrets as given in a configuration: `undefined`, blank and white-space-only entries are absent, not keys. An empty
 * HMAC key is one that everybody knows. Throws for what is no text, and names it.
 */
export function configuredSecrets(provider: Provider, name: string, secret: unknown): readonly string[] {
  return [secret].flat().filter((entry = ''): entry is string => {
    if (typeof entry === 'string') return entry.trim() !== ''
    throw unsound(provider, `${name} must be text`)
  })
}

function decodeSecret(secret: string, format: KeyFormat): Uint8Array {
  const prefix = format.stripPrefixes?.find((candidate) => secret.startsWith(candidate)) ?? ''
  const text = secret.slice(prefix.length)
  const key = format.as === 'utf8' ? Buffer.from(text) : decodeStrictly(text, format.as)
  if (key === undefined) {
    throw new PosternError(
      'bad_secret',
      `The signing secret is not valid ${format.as}; copy it again from the provider`,
    )
  }
  const minBytes = Math.max(1, format.minBytes ?? 1)
  if (key.byteLength < minBytes) {
    throw new PosternError(
      'bad_secret',
      `The signing secret is ${key.byteLength} bytes long; this provider's have at least ${minBytes}`,
    )
  }
  return key
}
