import type { WebhookRequest } from '../../core/index.ts'
import { parseJson } from '../../core/place.ts'
import {
  ESCAPINGS,
  membersOf,
  objectOf,
  restrung,
  SPACINGS,
  tokensOf,
  written,
  type Tokens,
} from '../json-text.ts'
import { isSigning, type Repair, type Variant } from '../subject.ts'

/** All orders of so many members are tried: 120. */
const MOST_MEMBERS_PERMUTED = 5

/** A body that was parsed and written again: other spacing, other escapes, other order, one string around it. */
export const reserialisedBody: Repair = function* ({ scheme, request, maxBodyBytes }) {
  const parsed = isSigning(scheme) ? parseJson(request.body) : undefined
  if (parsed === undefined) return
  if (typeof parsed === 'string') {
    const undoing = 'once the body, a JSON string, is taken for what stands in it'
    yield { cause: 'body_reserialised', undoing, request: withBody(request, parsed) }
    return
  }
  const tokens = tokensOf(textOf(request.body))
  yield* restyled(request, tokens, maxBodyBytes)
  yield* reordered(request, tokens, maxBodyBytes)
}

function* restyled(request: WebhookRequest, tokens: Tokens, maxBodyBytes: number): Iterable<Variant> {
  for (const escaping of ESCAPINGS) {
    const strung = restrung(tokens, escaping)
    for (const spacing of SPACINGS) {
      const text = written(strung, spacing, maxBodyBytes)
      const undoing = `once the body is written ${spacing.name}, ${escaping.name}`
      if (text !== undefined) yield* withEnds(request, text, undoing)
    }
  }
}

function* withEnds(request: WebhookRequest, text: string, undoing: string): Iterable<Variant> {
  const cause = 'body_reserialised'
  yield { cause, undoing, request: withBody(request, text) }
  yield {
    cause,
    undoing: `${undoing}, with a line break at its end`,
    request: withBody(request, `${text}\n`),
  }
}

function* reordered(request: WebhookRequest, tokens: Tokens, maxBodyBytes: number): Iterable<Variant> {
  const members = membersOf(tokens)
  if (members === undefined || members.length < 2) return
  for (const order of ordersOf(members)) {
    for (const spacing of SPACINGS.slice(0, 2)) {
      const text = written(objectOf(order), spacing, maxBodyBytes)
      if (text === undefined) continue
      yield {
        cause: 'body_reserialised',
        undoing: `once the members of the body stand in another order, written ${spacing.name}`,
        request: withBody(request, text),
      }
    }
  }
}

function* ordersOf(members: readonly Tokens[]): Iterable<readonly Tokens[]> {
  if (members.length <= MOST_MEMBERS_PERMUTED) yield* permutations(members)
  else {
    yield members.toSorted(([left = ''], [right = '']) => (left < right ? -1 : 1))
    yield members.toReversed()
  }
}

function* permutations<T>(items: readonly T[]): Iterable<readonly T[]> {
  if (items.length < 2) yield items
  if (items.length < 2) return
  for (const [index, item] of items.entries()) {
    for (const others of permutations(items.toSpliced(index, 1))) yield [item, ...others]
  }
}

function textOf(body: Uint8Array): string {
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength)
    .toString('utf8')
    .replace(/^\uFEFF/, '')
}

function withBody(request: WebhookRequest, text: string): WebhookRequest {
  return { ...request, body: Buffer.from(text, 'utf8') }
}
