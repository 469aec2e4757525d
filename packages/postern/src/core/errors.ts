/** What a `PosternError` is about. Match on `code`: the message may change between versions. */
export type ErrorCode =
  | 'bad_config'
  | 'bad_event'
  | 'bad_scheme'
  | 'bad_secret'
  | 'body_already_parsed'
  | 'cannot_settle'
  | 'no_secret'
  | 'store_closed'
  | 'store_unavailable'
  | 'unsafe_store'

/** Misuse, misconfiguration or broken infrastructure. What a sender can cause is never thrown but returned as a value. */
export class PosternError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'PosternError'
    this.code = code
  }
}
