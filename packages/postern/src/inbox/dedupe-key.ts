import { digestText, sha256 } from '../core/crypto.ts'
import type { NewEvent } from './store.ts'

/** Bytes of a dedupe key: 128 bits of SHA-256, so that a chance collision is beyond reach at any number of events. */
export const DEDUPE_KEY_BYTES = 16

/**
 * What an event is remembered by: `id` for the provider's id; `body` for the digest of the body, where the id is
 * absent or not signed; `conflict` for an id together with a body other than the first one seen under it. `rejected` is
 * what a refused request is known by.
 */
export type DedupeKind = 'id' | 'body' | 'conflict' | 'rejected'

/**
 * The key of an event in the dedupe records: a digest over its parts, each preceded by its length, so that no two
 * lists of parts give the same bytes.
 */
export function dedupeKey(kind: DedupeKind, tenant: string, source: string, ...rest: string[]): Uint8Array {
  return sha256(partsOf(kind, tenant, source, ...rest)).subarray(0, DEDUPE_KEY_BYTES)
}

function partsOf(...parts: readonly string[]): string {
  let text = ''
  for (const part of parts) text += `${part.length}:${part}`
  return text
}

/** One key that an event is remembered by. */
export interface DedupeRecord {
  /** A hit on a `body` key, or on an `id` key with the same digest, is a duplicate; otherwise a hit on an `id` key is a conflict. */
  readonly kind: 'id' | 'body'
  readonly key: Uint8Array
}

/** What a store compares events by. */
export interface Fingerprint {
  /** SHA-256 of the body. */
  readonly digest: Uint8Array
  readonly records: readonly DedupeRecord[]
  /** What the event is remembered by where it turns out a conflict: its id together with this very body. */
  readonly conflictKey: () => Uint8Array
}

/** A `Fingerprint` in hexadecimal, each digest to 128 bits. A key is absent where the event is not remembered by it. */
export interface FingerprintText {
  readonly digest: string
  readonly idKey: string | undefined
  readonly bodyKey: string | undefined
  readonly conflictKey: () => string
}

type Fingerprinted = Pick<NewEvent, 'tenant' | 'source' | 'id' | 'idKind' | 'body'>

/** Computes what an event is compared by; the store calls it where its writer runs, off the request's path. */
export function fingerprintOf({ tenant, source, id, idKind, body }: Fingerprinted): Fingerprint {
  const digest = sha256(body)
  const hex = digest.toString('hex')
  const records: DedupeRecord[] = []
  if (idKind !== 'digest') records.push({ kind: 'id', key: dedupeKey('id', tenant, source, id) })
  if (idKind !== 'signed') records.push({ kind: 'body', key: dedupeKey('body', tenant, source, hex) })
  return { digest, records, conflictKey: () => dedupeKey('conflict', tenant, source, id, hex) }
}

/** As `fingerprintOf`, for a store that takes text: 1 µs less than to make bytes of each digest and then their text. */
export function fingerprintTextOf({ tenant, source, id, idKind, body }: Fingerprinted): FingerprintText {
  const digest = digestText('sha256', body, 'hex')
  const keyOf = (kind: DedupeKind, ...rest: string[]): string =>
    digestText('sha256', partsOf(kind, tenant, source, ...rest), 'hex').slice(0, 2 * DEDUPE_KEY_BYTES)
  return {
    digest: digest.slice(0, 2 * DEDUPE_KEY_BYTES),
    idKey: idKind === 'digest' ? undefined : keyOf('id', id),
    bodyKey: idKind === 'signed' ? undefined : keyOf('body', digest),
    conflictKey: () => keyOf('conflict', id, digest),
  }
}
