import type { Envelope } from '../core/index.ts'

/** Where id and type stand in a JSON body whose form is the user's own or not documented: names to follow from its top. */
export interface BodyPaths {
  readonly id?: readonly string[]
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
