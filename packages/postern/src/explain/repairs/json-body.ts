import type { WebhookRequest } from '../../core/index.ts'
import {
  escapable,
  ESCAPINGS,
  membersOf,
  objectOf,
  restrung,
  SPACINGS,
  written,
  type Tokens,
} from '../json-text.ts'
import { isSigning, type Repair, type Subject, type Variant } from '../subject.ts'

/** All orders of so many members are tried: 120. */
const MOST_MEMBERS_PERMUTED = 5

/** A body that was parsed and written again: other spacing, other escapes, other order, one string around it. */
export const reserialisedBody: Repair = function* (subject) {
  const { scheme, request, effort } = subject
  const parsed = isSigning(scheme) ? effort.json() : undefined
  if (parsed === undefined) return
  if (typeof parsed === 'string') {
    const undoing = 'once the body, a JSON string, is taken for what stands in it'
    yield { cause: 'body_reserialised', undoing, request: withBody(request, parsed) }
    return
  }
  const tokens = effort.tokens()
  if (tokens === undefined) return
  yield* restyled(subject, tokens)
  yield* reordered(subject, tokens)
}

const RESTYLING = 'writing the body as JSON in every way'
const REORDERING = 'writing the members of the body in every order'

function* restyled({ request, maxBodyBytes, effort }: Subject, tokens: Tokens): Iterable<Variant> {
  const escapingSteps = tokens.length + 3 * tokens.reduce((sum, token) => sum + escapable(token), 0)
  for (const escaping of ESCAPINGS) {
    if (!effort.takes(escapingSteps, RESTYLING)) return
    const strung = restrung(tokens, escaping)
    for (const spacing of SPACINGS) {
      if (!effort.takes(tokens.length, RESTYLING)) return
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

function* reordered({ request, maxBodyBytes, effort }: Subject, tokens: Tokens): Iterable<Variant> {
  const members = membersOf(tokens)
  if (members === undefined || members.length < 2) return
  for (const order of ordersOf(members)) {
    for (const spacing of SPACINGS.slice(0, 2)) {
      if (!effort.takes(2 * tokens.length, REORDERING)) return
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

function withBody(request: WebhookRequest, text: string): WebhookRequest {
  return { ...request, body: Buffer.from(text, 'utf8') }
}
