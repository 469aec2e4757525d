import * as v from 'valibot'
import { readPath } from './event-values.ts'
import type { Filter, Scalar, Test } from './filter.ts'
import { dictionary, plainObject } from './plain-object.ts'

const DEEPEST = 10
const MOST_PARTS = 1000
const LONGEST_TEXT_CHARS = 1000
const LONGEST_PATH_NAMES = 20

const text = v.pipe(
  v.string(),
  v.maxLength(LONGEST_TEXT_CHARS, `must have at most ${LONGEST_TEXT_CHARS} characters`),
)
const number = v.pipe(v.number(), v.finite('must be finite'))
const scalar: v.GenericSchema<Scalar> = v.union(
  [text, number, v.boolean(), v.null()],
  'must be a text, a number, true, false or null',
)

const test: v.GenericSchema<Test> = v.pipe(
  plainObject({
    is: v.optional(scalar),
    oneOf: v.optional(v.pipe(v.array(scalar), v.minLength(1, 'has nothing to be one of'))),
    exists: v.optional(v.boolean()),
    startsWith: v.optional(text),
    endsWith: v.optional(text),
    contains: v.optional(scalar),
    above: v.optional(number),
    atLeast: v.optional(number),
    below: v.optional(number),
    atMost: v.optional(number),
  }),
  v.check(
    (operators) => Object.keys(operators).length > 0,
    'says nothing; `exists: true` is for whatever is there',
  ),
) as v.GenericSchema<Test>

/** A test where an object stands, a scalar otherwise: a union of both would say nothing of what is wrong in the object. */
const scalarOrTest: v.GenericSchema<Scalar | Test> = v.lazy((value) =>
  typeof value === 'object' && value !== null ? test : scalar,
)

const headerName = v.pipe(v.string(), v.regex(/^[!#$%&'*+.^_`|~\w-]{1,100}$/, 'is no name of a header'))
const jsonPath = v.pipe(
  v.string(),
  v.minLength(1, 'is empty'),
  v.maxLength(LONGEST_TEXT_CHARS, 'is too long'),
  v.check((path) => readPath(path).length <= LONGEST_PATH_NAMES, `has more than ${LONGEST_PATH_NAMES} names`),
)

const part: v.GenericSchema<Filter> = v.pipe(
  plainObject({
    type: v.optional(scalarOrTest),
    source: v.optional(scalarOrTest),
    id: v.optional(scalarOrTest),
    header: v.optional(dictionary(headerName, scalarOrTest)),
    json: v.optional(dictionary(jsonPath, scalarOrTest)),
    all: v.optional(v.array(v.lazy(() => part))),
    any: v.optional(v.pipe(v.array(v.lazy(() => part)), v.minLength(1, 'has nothing that could hold'))),
    not: v.optional(v.lazy(() => part)),
  }),
  v.check((filter) => Object.keys(filter).length > 0, 'says nothing; leave it out for every event'),
) as v.GenericSchema<Filter>

/** Checks a filter as it was written: its form, its depth and its size. */
export const filterSchema: v.GenericSchema<Filter> = v.pipe(
  v.custom<Filter>(
    (value) => isBounded(value),
    `must be an object of at most ${DEEPEST} levels and ${MOST_PARTS} parts`,
  ),
  part,
)

/** Looked at before anything walks into it: a value from a configuration's code may contain itself. */
function isBounded(value: unknown): boolean {
  let parts = 0
  const fits = (each: unknown, depth: number): boolean => {
    parts += 1
    if (parts > MOST_PARTS || depth > 2 * DEEPEST) return false
    return (
      typeof each !== 'object' ||
      each === null ||
      Object.values(each).every((inner) => fits(inner, depth + 1))
    )
  }
  return typeof value === 'object' && value !== null && fits(value, 0)
}
