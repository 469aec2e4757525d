import type { WebhookEvent } from 'postern'
import type { Route } from './destination-options.ts'
import { compileFilter, type Matches } from './filter.ts'

/** What one source sends to a destination. */
export interface SourceRoute {
  readonly source: string
  /** Asked of each of its events; absent where it gets them all. */
  readonly when?: Matches
}

/**
 * The routes of a destination by source: one for each, since what two of them name must still be sent once.
 */
export function routesBySource(
  from: Route | readonly Route[] | undefined,
  sources: readonly string[],
): readonly SourceRoute[] {
  const routes = from === undefined ? [{}] : [from].flat()
  return sources.flatMap((source) => {
    const own = routes
      .filter((route) => (route.source ?? '*') === '*' || route.source === source)
      .map(matcherOf)
    if (own.length === 0) return []
    if (own.includes(undefined)) return [{ source }]
    return [{ source, when: (event: WebhookEvent) => own.some((matches) => matches?.(event)) }]
  })
}

/** `undefined` where everything matches. */
function matcherOf({ type = '*', where }: Route): Matches | undefined {
  const types = [type].flat()
  const hasType = types.includes('*')
    ? undefined
    : (text: string) => types.some((pattern) => isOfType(pattern, text))
  const passes = where && compileFilter(where)
  if (hasType === undefined) return passes
  return (event) => hasType(event.type) && (passes === undefined || passes(event))
}

function isOfType(pattern: string, type: string): boolean {
  return pattern.endsWith('.*') ? type.startsWith(pattern.slice(0, -1)) : pattern === type
}
