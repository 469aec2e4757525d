/** A JSON object whose members are the provider's to say. */
export type JsonBody = Readonly<Record<string, unknown>>
