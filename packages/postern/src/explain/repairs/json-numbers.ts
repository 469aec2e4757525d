import { SPACINGS, written, type Tokens } from '../json-text.ts'
import { isSigning, type Repair } from '../subject.ts'

/** All choices among so many whole numbers are tried: 31. Of more, each alone, and all of them. */
const MOST_CHOSEN_AMONG = 5
const MOST_ALONE = 16
const WHOLE = /^-?\d+$/

/** A body whose numbers were read and written again: JavaScript and PHP write 1.0 as 1, Python and Java wrote 1.0. */
export const shortenedNumbers: Repair = function* ({ scheme, request, maxBodyBytes, effort }) {
  const tokens = isSigning(scheme) ? effort.tokens() : undefined
  if (tokens === undefined) return
  const whole = tokens.flatMap((token, index) => (WHOLE.test(token) ? [index] : []))
  for (const chosen of choicesOf(whole)) {
    for (const spacing of SPACINGS.slice(0, 2)) {
      if (!effort.takes(2 * tokens.length, 'writing numbers of the body with .0 at their end')) return
      const longer = written(withFraction(tokens, new Set(chosen)), spacing, maxBodyBytes)
      if (longer === undefined) continue
      yield {
        cause: 'body_reserialised',
        undoing: `once ${chosen.length} of its ${whole.length} whole numbers are written with .0 at their end, and the body ${spacing.name}`,
        request: { ...request, body: Buffer.from(longer, 'utf8') },
      }
    }
  }
}

function* choicesOf(whole: readonly number[]): Iterable<readonly number[]> {
  if (whole.length > MOST_CHOSEN_AMONG) {
    yield whole
    for (const index of whole.slice(0, MOST_ALONE)) yield [index]
    return
  }
  // Each set bit is one that is chosen.
  for (let choice = 1; choice < 2 ** whole.length; choice += 1)
    yield whole.filter((_, place) => (choice & (1 << place)) !== 0)
}

function withFraction(tokens: Tokens, chosen: ReadonlySet<number>): Tokens {
  return tokens.map((token, index) => (chosen.has(index) ? `${token}.0` : token))
}
