import * as v from 'valibot'
import { authoritiesProblem } from './authorities.ts'
import { WORKER_GRACE_MS, type DestinationOptions } from './destination-options.ts'
import { filterSchema } from './filter-schema.ts'
import { passProblem, setProblem } from './forwarded-headers.ts'
import { networkProblem } from './networks.ts'
import { dictionary, plainObject } from './plain-object.ts'

/** The longest that a timer of Node can wait, less what the worker adds. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1 - WORKER_GRACE_MS

const count = v.pipe(v.number(), v.integer('must be a whole number'), v.minValue(1, 'must be 1 or more'))
const positive = v.pipe(v.number(), v.finite('must be finite'), v.gtValue(0, 'must be more than 0'))
const wait = v.pipe(
  v.number(),
  v.finite('must be finite'),
  v.minValue(0, 'must be 0 or more'),
  v.maxValue(Number.MAX_SAFE_INTEGER, `must be ${Number.MAX_SAFE_INTEGER} or less`),
)
const factor = v.pipe(
  v.number(),
  v.finite('must be finite'),
  v.minValue(1, 'must be 1 or more'),
  v.maxValue(1000, 'must be 1000 or less'),
)
const timeout = v.pipe(count, v.maxValue(LONGEST_TIMEOUT_MS, `must be ${LONGEST_TIMEOUT_MS} or less`))

export const urlSchema: v.GenericSchema<string> = v.pipe(
  v.string('must be a text'),
  v.check((text) => URL.canParse(text), 'is not a URL'),
  v.check(
    (text) => !URL.canParse(text) || /^https?:$/.test(new URL(text).protocol),
    'must begin with https:// or http://',
  ),
  v.check(
    (text) => !URL.canParse(text) || new URL(text).username + new URL(text).password === '',
    'has a user or password in it, which end up in logs; use headers.set, such as { authorization: … }',
  ),
  v.check((text) => !text.includes('#'), 'has a fragment, which is never sent'),
)

const type = v.pipe(
  v.string(),
  v.minLength(1, 'is empty'),
  v.regex(
    /^(?:\*|[^*]*|[^*]+\.\*)$/,
    "no event has such a type; give its whole type, a beginning such as 'instance.*', or '*'",
  ),
)
export const routeEntries: v.ObjectEntries = {
  source: v.optional(v.string()),
  type: v.optional(v.union([type, v.array(type)], 'must be a type, or a list of types')),
  where: v.optional(filterSchema),
}
const route = plainObject(routeEntries)
const routes = v.lazy((value) =>
  Array.isArray(value) ? v.pipe(v.array(route), v.minLength(1, 'is empty: it would get no event')) : route,
)

const secret = v.union([v.string(), v.array(v.optional(v.string()))], 'must be a text, or a list of texts')

/** Headers of a destination's own. */
export const headerSet: v.GenericSchema<Record<string, string>> = v.pipe(
  dictionary(v.string(), v.string()),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return
    const seen = new Set<string>()
    for (const [name, value] of Object.entries(dataset.value)) {
      const isTwice = seen.size === seen.add(name.toLowerCase()).size
      const problem = isTwice ? 'stands there twice, in upper and in lower case' : setProblem(name, value)
      if (problem !== undefined) addIssue({ message: `${JSON.stringify(name)} ${problem}` })
    }
  }),
)

const headers = plainObject({
  pass: v.optional(names('pass')),
  original: v.optional(names('original')),
  set: v.optional(headerSet),
})

function names(as: 'pass' | 'original'): v.GenericSchema<string[]> {
  return v.array(problemOf(v.string(), (name) => passProblem(name, as)))
}

/** A text that a function finds nothing wrong with. */
function problemOf(
  text: v.GenericSchema<string>,
  problem: (text: string) => string | undefined,
): v.GenericSchema<string> {
  return v.pipe(
    text,
    v.rawCheck(({ dataset, addIssue }) => {
      const found = dataset.typed ? problem(dataset.value) : undefined
      if (found !== undefined) addIssue({ message: found })
    }),
  )
}

const status = v.pipe(
  count,
  v.minValue(300, 'must be from 300 to 599'),
  v.maxValue(599, 'must be from 300 to 599'),
)

const breaker = v.lazy((value) =>
  value === false
    ? v.literal(false)
    : v.pipe(
        plainObject({
          failures: v.optional(count),
          openMs: v.optional(timeout),
          longestOpenMs: v.optional(timeout),
        }),
        v.forward(
          v.check(
            ({ openMs = 0, longestOpenMs = Infinity }) => openMs <= longestOpenMs,
            'must not be less than openMs',
          ),
          ['longestOpenMs'],
        ),
      ),
)

/** What every destination that is reached over HTTP can be told. */
export const deliveryEntries: v.ObjectEntries = {
  from: v.optional(routes),
  timeoutMs: v.optional(timeout),
  retry: v.optional(
    plainObject({
      attempts: v.optional(v.pipe(count, v.maxValue(1000, 'must be 1000 or less'))),
      baseMs: v.optional(wait),
      factor: v.optional(factor),
      capMs: v.optional(wait),
    }),
  ),
  giveUpAfterMs: v.optional(wait),
  retryOn: v.optional(
    v.array(
      v.union(
        [status, v.picklist(['3xx', '4xx', '5xx'])],
        'must be a status from 300 to 599, 3xx, 4xx or 5xx',
      ),
    ),
  ),
  allowNetworks: v.optional(v.array(problemOf(v.string(), networkProblem))),
  ca: v.optional(problemOf(v.string(), authoritiesProblem)),
  breaker: v.optional(breaker),
}

/** `handlers` is the destination of all handlers without a name, and a number is a delivery's: `postern redrive 42`. */
export const destinationName: v.GenericSchema<string> = v.pipe(
  v.string(),
  v.regex(/^[a-z0-9_-]{1,64}$/, 'a destination’s name must match [a-z0-9_-]{1,64}'),
  v.check(
    (text) => !/^\d+$/.test(text),
    'the name is a number, which commands such as postern redrive take for a delivery’s: give it a letter as well',
  ),
  v.check((text) => text !== 'handlers', 'the name handlers is taken, by the handlers without a name'),
)

const destination = plainObject({
  ...deliveryEntries,
  url: urlSchema,
  secret: v.optional(secret),
  headers: v.optional(headers),
  concurrency: v.optional(v.pipe(count, v.maxValue(10_000, 'must be 10000 or less'))),
  ratePerSecond: v.optional(positive),
})

/** Checks a destination as a configuration gives it, by its own; what the environment adds is looked at later. */
// `?` against `| undefined` apart, it is the interface.
export const destinationSchema: v.GenericSchema<DestinationOptions> =
  destination as unknown as v.GenericSchema<DestinationOptions>
