import type { CheckOptions, CheckResult } from './check.ts'
import type { Keyring } from './keyring.ts'
import type { ParseBody } from './place.ts'
import type { WebhookRequest } from './request.ts'
import type { Place, Scheme } from './scheme.ts'

/**
 * One way in which schemes authenticate. A source is made with the methods that its provider needs, so that an app
 * bundles no others.
 */
export interface Method<Own extends Scheme = Scheme> extends SoundMethod<Own> {
  /** What is wrong with a scheme beside the others of its provider. */
  complaint(scheme: Own, schemes: readonly Scheme[]): string | undefined
}

/** One for schemes that are known to be sound, as those of the catalogue are by its tests. */
export interface SoundMethod<Own extends Scheme = Scheme> {
  readonly algorithms: readonly Scheme['algorithm'][]
  // As methods, not as properties: TypeScript then takes one of fewer schemes for one of all, and `methodOf` sees to it
  // that each is handed its own.
  /** Throws `PosternError` for a secret that can never work. */
  keyring(secrets: readonly string[], scheme: Own): Keyring
  /** Total: any bytes give a result, none a throw. */
  check(scheme: Own, keys: Keyring, request: WebhookRequest, options: CheckOptions): CheckResult
  /**
   * For keys that have to be fetched: fetches them, and then checks. Total too; `key_unavailable` where nothing could be
   * fetched, which is all that `check` can then say. Its sources are made by `defineFetchingSource`.
   */
  checkWithFetchedKeys?(
    scheme: Own,
    keys: Keyring,
    request: WebhookRequest,
    options: CheckOptions,
  ): Promise<CheckResult>
  /** Whether a place is inside what a scheme signs; as `hmacs` says it where that is its content, or where nothing is signed. */
  signs(place: Place, scheme: Own): boolean
  /** The request without the secret that it carries. */
  without?(scheme: Own, request: WebhookRequest): WebhookRequest
  /** What whoever configures a source should know where no secret of it authenticates otherwise. */
  readonly warning?: string
  /** How bodies are read that are not JSON. */
  readonly parse?: ParseBody
  /** Whether it is for a scheme of its algorithms after all. */
  takes?(scheme: Own): boolean
}

/** A scheme with the keys that verify it, and how. */
export interface KeyedScheme {
  readonly scheme: Scheme
  readonly keys: Keyring
  readonly method: SoundMethod
}

/** The method of a scheme, if it is among them. */
export function methodOf<Own extends SoundMethod>(scheme: Scheme, methods: readonly Own[]): Own | undefined {
  return methods.find(
    (method) => method.algorithms.includes(scheme.algorithm) && method.takes?.(scheme) !== false,
  )
}
