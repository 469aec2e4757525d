import { check, matchingKey, type CheckResult, type Derive } from './check.ts'
import { Keyring } from './keyring.ts'
import type { Method } from './method.ts'
import { DOUBLED } from './request.ts'
import { readable, readPath, readPlace, type Readable } from './place.ts'
import { nearer } from './reason.ts'
import type { Place, SignatureScheme } from './scheme.ts'
import { isSigned } from './sound-scheme.ts'
import { unsoundSignature } from './sound-signature.ts'

/** More than any provider puts into one request; beyond it a sender is spending our time. */
const MAX_ITEMS = 100

/** HMACs of the elements of an array, each over some of its own members. A request is authentic where all of them are. */
export const itemHmacs: Method<SignatureScheme> = {
  algorithms: ['hmac-sha1', 'hmac-sha256', 'hmac-sha512'],
  takes: ({ derives }) => derives === 'items',
  complaint: (scheme) =>
    unsoundSignature(scheme) ?? (scheme.each === undefined ? 'does not say where its items are' : undefined),
  signs: (place, scheme) => isSigned(place, scheme) || isJoined(place, scheme),
  keyring: (secrets, { key }) => new Keyring(secrets, key),
  check(scheme, keys, request, options) {
    if (keys.size === 0) return { ok: false, reason: 'no_secret' }
    const whole = readable(request)
    const items = readPath(whole.json(), scheme.each ?? [])
    if (!Array.isArray(items) || items.length > MAX_ITEMS) return { ok: false, reason: 'missing_content' }
    return together(
      items.map((item: unknown) =>
        check(scheme, keys, request, options, matchingKey, deriveJoined, itemOf(whole, item)),
      ),
    )
  },
}

/** Whether a place is a signed member of the first item: what stands in it is signed as long as there is no other. */
function isJoined(place: Place, { each = [], content }: SignatureScheme): boolean {
  return content.some(
    (part) =>
      typeof part === 'object' &&
      'derived' in part &&
      part.derived === 'joined' &&
      part.places.some(
        (member) => 'json' in member && isSame(place, { json: [...each, '0', ...member.json] }),
      ),
  )
}

/** Texts with a separator between them; none where one has the separator that must not. */
export const deriveJoined: Derive = (part, _, from) => {
  if (part.derived !== 'joined') return undefined
  const { places, separator, free } = part
  const texts: string[] = []
  for (const place of places) {
    const text = readPlace(place, from) ?? ''
    // One text alone may hold the separator: the others are then found from both ends, and no boundary can be moved.
    if (text === DOUBLED || (text.includes(separator) && !isSame(place, free))) return undefined
    texts.push(text)
  }
  return texts.join(separator)
}

/** An element as it is read: its own members, and the headers of the request. */
export function itemOf(whole: Readable, item: unknown): Readable {
  return { ...whole, json: () => item }
}

/** The first item's result where all are authentic; else that of the one that got least far. Without an item nothing is signed. */
function together(results: readonly CheckResult[]): CheckResult {
  return results.length === 0 ? { ok: false, reason: 'missing_content' } : results.reduce(nearer)
}

function isSame(left: object, right: object): boolean {
  return JSON.stringify(left) === JSON.stringify(right)
}
