import type { Envelope } from '../core/index.ts'

/** Where id and type stand in a JSON body whose form is the user's own or not documented: names to follow from its top. */
export interface BodyPaths {
  /** Without a text there, the id is the digest of the body; so it is where a `type` has a place and none is found. */
  readonly id?: readonly string[]
  /** Without a text there, the type is the provider's default, or `unknown`. */
  readonly type?: readonly string[]
}

/** The envelope with these paths in place of its own. */
export function atPaths(envelope: Envelope, { id, type }: BodyPaths): Envelope {
  return {
    ...envelope,
    ...(id !== undefined && { id: [{ json: id }] }),
    ...(type !== undefined && { type: { json: type } }),
  }
}
