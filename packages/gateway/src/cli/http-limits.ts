/** What a connection may take before it is closed. */
export interface HttpLimits {
  /** For a request's headers. */
  readonly headersTimeoutMs: number
  /** For a whole request. */
  readonly requestTimeoutMs: number
  /** How often the two above are looked at: Node's default of 30 s would make them up to 30 s longer. */
  readonly checkIntervalMs: number
  /** Between two requests. Above a load balancer's own (60 to 75 s), or it writes to sockets that are just closing. */
  readonly keepAliveTimeoutMs: number
  /** For the first byte. Node's other limits start with it, and leave a connection that sends nothing open for ever. */
  readonly silenceTimeoutMs: number
  readonly maxConnections: number
  readonly maxHeaderBytes: number
}

export const DEFAULT_HTTP_LIMITS: HttpLimits = {
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 15_000,
  checkIntervalMs: 1000,
  keepAliveTimeoutMs: 75_000,
  silenceTimeoutMs: 10_000,
  maxConnections: 10_000,
  maxHeaderBytes: 16 * 1024,
}
