/**
 * Under which names things stand. The dedupe record of an event has the name that people expect,
 * `<source>:event:<id>`; all else stands under `postern:`. In a cluster both begin with `{<source>}:`, since the keys of one
 * script must be in one slot, and a name with and one without braces never are.
 *
 * @module
 */
import { dedupeKey } from '../../inbox/index.ts'
import { sha256 } from '../../core/index.ts'

/** What can stand in a name as it is: nothing that separates, nothing that a hash tag is made of. */
const PLAIN_NAME = /^[\w.-]{1,64}$/
/** An id that can be read back from a key: well-formed, printable, and no `#`, which begins those that stand as a digest. */
const PLAIN_ID = /^(?!#)[^\p{Cc}\p{Cs}]{1,255}$/u

/** A name, or its digest where it cannot stand in a key. */
export function nameOf(text: string): string {
  return PLAIN_NAME.test(text) ? text : digestName(dedupeKey('id', '', text))
}

/** What the dedupe records of a tenant begin with, behind what its source's begin with. */
export function recordBase(sourcePrefix: string, tenant: string): string {
  return tenant === '' ? sourcePrefix : `${sourcePrefix}tenant:${nameOf(tenant)}:`
}

/** An event's id as its dedupe record is named by. */
export function idName(id: string): string {
  return PLAIN_ID.test(id) ? id : digestName(dedupeKey('id', '', '', id))
}

/**
 * A destination as it stands in a key: without line breaks and halves of characters.
 */
export function destinationName(name: string): string {
  return JSON.stringify(name).slice(1, -1)
}

/** The destination that a name stands for. */
export function destinationOf(name: string): string {
  return JSON.parse(`"${name}"`) as string
}

/** What the lanes of an ordering key are named by; each destination's stands behind it. */
export function lineName(tenant: string, source: string, orderingKey: string): string {
  return sha256(JSON.stringify([tenant, source, orderingKey])).toString('base64url', 0, 16)
}

function digestName(digest: Uint8Array): string {
  return `#${Buffer.from(digest).toString('base64url')}`
}
