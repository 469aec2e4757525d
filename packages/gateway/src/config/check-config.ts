import type { Source } from 'postern'
import * as v from 'valibot'
import { destinationsSchema } from './destinations-schema.ts'
import type { GatewayConfig } from './define-config.ts'
import type { Checked, Problem } from './problem.ts'

const count = v.pipe(v.number(), v.integer('must be a whole number'), v.minValue(1, 'must be 1 or more'))
const duration = v.pipe(v.number(), v.finite('must be finite'), v.minValue(0, 'must be 0 or more'))

/** By their shape, as sources are. */
const pullQueue = v.looseObject({ queueId: v.string(), list: v.function(), acknowledge: v.function() })
const reconciliation = v.looseObject({ kind: v.string(), look: v.function(), tells: v.function() })

const schema = v.strictObject({
  sources: v.pipe(
    v.record(
      v.pipe(v.string(), v.regex(/^[a-z0-9_-]{1,64}$/, 'a source’s name must match [a-z0-9_-]{1,64}')),
      v.custom<Source>(isSource, 'is not a source; make it with vastai(), custom() or defineSource()'),
    ),
    v.check((sources) => Object.keys(sources).length > 0, 'has no source'),
  ),
  handlers: v.optional(
    v.custom<NonNullable<GatewayConfig['handlers']>>(isFunction, 'must be a function: (on) => [on(…)]'),
  ),
  destinations: v.optional(destinationsSchema),
  prefix: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^(\/[\w.~-]+)*$/, "must be a path such as /webhooks, without a slash at its end, or ''"),
    ),
  ),
  retry: v.optional(
    v.strictObject({
      attempts: v.optional(count),
      baseMs: v.optional(duration),
      factor: v.optional(v.pipe(v.number(), v.finite('must be finite'), v.minValue(1, 'must be 1 or more'))),
      capMs: v.optional(duration),
    }),
  ),
  pull: v.optional(v.record(v.string(), v.optional(pullQueue))),
  reconcile: v.optional(v.record(v.string(), v.optional(reconciliation))),
  retentionMs: v.optional(duration),
  worker: v.optional(
    v.strictObject({
      concurrency: v.optional(count),
      leaseMs: v.optional(count),
      handlerTimeoutMs: v.optional(count),
    }),
  ),
})

/** Checks a configuration as its file exported it; every problem names its path. */
export function checkConfig(value: unknown, file: string): Checked<GatewayConfig> {
  const parsed = v.safeParse(schema, value, { message: expected })
  if (!parsed.success) return { ok: false, problems: parsed.issues.map((issue) => describe(issue, file)) }
  const strays = (['pull', 'reconcile'] as const).flatMap((option) =>
    Object.keys(parsed.output[option] ?? {})
      .filter((name) => !Object.hasOwn(parsed.output.sources, name))
      .map((name) => ({
        path: `${option}.${name}`,
        message: `there is no source of that name (in ${file})`,
      })),
  )
  if (strays.length > 0) return { ok: false, problems: strays }
  // The schema has checked it; what it gives back differs only in `?` against `| undefined`.
  return { ok: true, value: parsed.output as unknown as GatewayConfig }
}

function describe(issue: v.BaseIssue<unknown>, file: string): Problem {
  const path = v.getDotPath(issue) ?? file
  if (issue.type === 'strict_object' && issue.expected === 'never') {
    return { path, message: `unknown option (in ${file})` }
  }
  const isMissing = issue.received === 'undefined' || issue.expected === `"${path}"`
  return { path, message: `${isMissing ? 'is missing' : issue.message} (in ${file})` }
}

/** In place of the validator's own words, which show the text that they were given: it may be a secret in the wrong place. */
function expected({ type, expected: wanted }: v.BaseIssue<unknown>): string {
  return MUST_BE[type] ?? `must be ${wanted ?? 'something else'}`
}

const MUST_BE: Readonly<Record<string, string>> = {
  string: 'must be a text',
  number: 'must be a number',
  boolean: 'must be true or false',
  array: 'must be a list',
  function: 'must be a function',
  record: 'must be an object',
  strict_object: 'must be an object',
  loose_object: 'must be an object',
}

/** By its shape: a configuration may have its own copy of `postern`, whose classes are not ours. */
function isSource(value: unknown): boolean {
  const source = value as Partial<Source> | null | undefined
  return (
    typeof source === 'object' &&
    source !== null &&
    typeof source.provider?.name === 'string' &&
    Array.isArray(source.envelopes) &&
    Array.isArray(source.schemes) &&
    source.schemes.every((keyed) => typeof keyed?.keys?.forEach === 'function')
  )
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function'
}
