/** The package's types are not where its modules are looked for; the part that a test uses. */
declare module '@contentful/node-apps-toolkit/requests' {
  interface CanonicalRequest {
    readonly method: 'POST'
    readonly path: string
    readonly headers?: Readonly<Record<string, string>>
    readonly body?: string
  }
  export function signRequest(
    secret: string,
    request: CanonicalRequest,
    timestampMs: number,
  ): Readonly<Record<string, string>>
  export function verifyRequest(secret: string, request: CanonicalRequest): boolean
}
