import type { CheckResult } from './check.ts'
import type { Method } from './method.ts'
import type { Provider } from './provider.ts'
import type { WebhookRequest } from './request.ts'
import type { Scheme } from './scheme.ts'
import type { KeyedSourceOptions } from './source-options.ts'
import { defineSourceBy, type EventMap, type Source } from './source.ts'

/** As `defineSourceBy`, with ways to authenticate that fetch keys among them. */
export function defineFetchingSource<Events extends EventMap = EventMap>(
  methods: readonly Method[],
  provider: Provider,
  options: KeyedSourceOptions = {},
): Source<Events> {
  return fetchingFirst(defineSourceBy<Events>(methods, provider, options))
}

/** The source, checking first what needs a key that is fetched. */
export function fetchingFirst<Events extends EventMap>(source: Source<Events>): Source<Events> {
  return { ...source, checkFirst }
}

/** Checks what needs a key that is fetched, one scheme after another: most often the second finds the first one's key. */
async function checkFirst(
  { schemes, toleranceSeconds }: Source,
  request: WebhookRequest,
  nowMs: number,
): Promise<ReadonlyMap<Scheme, CheckResult>> {
  const checked = new Map<Scheme, CheckResult>()
  for (const { scheme, keys, method } of schemes) {
    if (keys.size === 0 || method.checkWithFetchedKeys === undefined) continue
    const options = { nowMs, toleranceSeconds }
    checked.set(scheme, await method.checkWithFetchedKeys(scheme, keys, request, options))
  }
  return checked
}
