/** A sample event of a provider, to be signed and sent by tests and by `postern trigger`. */
export interface Sample {
  readonly type: string
  /** The scheme that the provider signs this event with. */
  readonly scheme: string
  /** The request for one occurrence: a fresh id makes a new event, the same id the same one. */
  readonly build: (occurrence: Occurrence) => SampleRequest
}

/** What makes one event of a sample: its id, and when it happens, in ms since the epoch. */
export interface Occurrence {
  /** 32 hexadecimal characters. */
  readonly id: string
  readonly nowMs: number
}

/** What a provider sends for an occurrence, before it is signed. */
export interface SampleRequest {
  readonly body: string
  /** What the provider sends beside the signature. */
  readonly headers: Readonly<Record<string, string>>
}

/** A sample with a JSON body. */
export function jsonSample(
  type: string,
  scheme: string,
  body: (occurrence: Occurrence) => object,
  headers: (occurrence: Occurrence) => Readonly<Record<string, string>> = () => ({}),
): Sample {
  return {
    type,
    scheme,
    build: (occurrence) => ({
      body: JSON.stringify(body(occurrence)),
      headers: { 'content-type': 'application/json', ...headers(occurrence) },
    }),
  }
}

/** A sample with the body of a form. */
export function formSample(
  type: string,
  scheme: string,
  fields: (occurrence: Occurrence) => readonly (readonly [name: string, value: string])[],
): Sample {
  return {
    type,
    scheme,
    build: (occurrence) => ({
      body: new URLSearchParams(Object.fromEntries(fields(occurrence))).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    }),
  }
}
