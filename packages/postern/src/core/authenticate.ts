import type { CheckOptions, CheckResult } from './check.ts'
import type { KeyedScheme } from './method.ts'
import { further, nearer, type Reason } from './reason.ts'
import type { WebhookRequest } from './request.ts'
import type { Scheme } from './scheme.ts'
import { secretNameOf } from './sound-scheme.ts'

export type Authenticated =
  | { readonly ok: true; readonly scheme: string; readonly secretIndex: number }
  | { readonly ok: false; readonly reason: Reason }

/** Which of a source's schemes a request must satisfy. What had to be awaited has been `checked` before. */
export type Authenticate = (
  schemes: readonly KeyedScheme[],
  request: WebhookRequest,
  options: CheckOptions,
  checked?: ReadonlyMap<Scheme, CheckResult>,
) => Authenticated

const NO_SECRET: Authenticated = { ok: false, reason: 'no_secret' }

/** For schemes that are verified by one secret: any of them. Of several that fail, the reason of the one that got furthest. */
export const byOneSecret: Authenticate = (schemes, request, options, checked) => {
  let best = NO_SECRET
  for (const { scheme, keys, method } of schemes) {
    if (keys.size === 0) continue
    const result = checked?.get(scheme) ?? method.check(scheme, keys, request, options)
    if (result.ok) return { ok: true, scheme: scheme.name, secretIndex: result.secretIndex }
    best = further(best, result)
  }
  return best
}

/**
 * For schemes of several secrets: every secret that is configured must be satisfied by one of its schemes. Of several that are
 * not, what got least far is reported: the others' success does not make a request authentic.
 */
export const byEverySecret: Authenticate = (schemes, ...rest) => {
  const configured = schemes.filter(({ keys }) => keys.size > 0)
  const results = secretNamesOf(configured).map((name) =>
    byOneSecret(
      configured.filter(({ scheme }) => secretNameOf(scheme) === name),
      ...rest,
    ),
  )
  return results.length === 0 ? NO_SECRET : results.reduce(both)
}

/** The secrets that schemes are verified by, each once. */
export function secretNamesOf(schemes: readonly { readonly scheme: Scheme }[]): readonly string[] {
  return [...new Set(schemes.map(({ scheme }) => secretNameOf(scheme)))]
}

function both(left: Authenticated, right: Authenticated): Authenticated {
  return left.ok && right.ok ? { ...left, scheme: `${left.scheme}+${right.scheme}` } : nearer(left, right)
}
