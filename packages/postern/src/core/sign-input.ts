/** What is to be signed. */
export interface SignInput {
  readonly body: Uint8Array | string
  /** Milliseconds since the epoch that the request claims. */
  readonly nowMs: number
  /** Which of the source's schemes to speak; the first where absent. */
  readonly scheme?: string
  /** The message id, where the scheme signs one. */
  readonly id?: string
  readonly method?: string
  readonly url?: string
  /** Further headers that the scheme's content names. */
  readonly headers?: Readonly<Record<string, string>>
  /** In PEM, where the source has the public key only. */
  readonly privateKey?: string
}

/** What is sent beside the headers that were given. */
export interface SignedRequest {
  readonly headers: Readonly<Record<string, string>>
  /** The body that was given, except where the provider puts its secret or its signature into it. */
  readonly body: Uint8Array
  /** The URL that was given, empty where none was; except where the provider puts its secret or a digest into it. */
  readonly url: string
}
