import type { WebhookEvent } from 'postern'
import { readPath, valuesOf, type EventValues } from './event-values.ts'

/** What a JSON member, a header or a word can be compared with. */
export type Scalar = string | number | boolean | null

/** What must be true of one value; all that is said must hold. A value that is not there passes `exists: false` alone. */
export interface Test {
  readonly is?: Scalar
  readonly oneOf?: readonly Scalar[]
  readonly exists?: boolean
  readonly startsWith?: string
  readonly endsWith?: string
  /** Part of a text, or an element of a list. */
  readonly contains?: Scalar
  /** Of numbers, and of texts that are decimal numbers. */
  readonly above?: number
  readonly atLeast?: number
  readonly below?: number
  readonly atMost?: number
}

/**
 * Which events a destination gets: data, without patterns and without code. All that stands beside each other must hold.
 *
 * @example
 * { json: { 'data.severity': { oneOf: ['high', 'critical'] } }, header: { 'x-env': 'prod' }, not: { type: 'test' } }
 */
export interface Filter {
  readonly type?: Scalar | Test
  readonly source?: Scalar | Test
  readonly id?: Scalar | Test
  /** By name, in any case. Of a header that was sent more than once one value has to pass. */
  readonly header?: Readonly<Record<string, Scalar | Test>>
  /** By path in the body: `data.items.0.price`, or a JSON Pointer such as `/data/a.b` where a name has a dot. */
  readonly json?: Readonly<Record<string, Scalar | Test>>
  readonly all?: readonly Filter[]
  /** At least one of them. */
  readonly any?: readonly Filter[]
  readonly not?: Filter
}

/** Whether an event passes. Total: whatever a sender has put into an event, the answer is yes or no. */
export type Matches = (event: WebhookEvent) => boolean

type Condition = (values: EventValues) => boolean

/** Makes a filter that has been checked ready to be asked often. */
export function compileFilter(filter: Filter): Matches {
  const condition = every(conditionsOf(filter))
  return (event) => condition(valuesOf(event))
}

function conditionsOf(filter: Filter): Condition[] {
  const { type, source, id, header = {}, json = {}, all = [], any, not } = filter
  const conditions = [
    ...word(type, (values) => values.event.type),
    ...word(source, (values) => values.event.source),
    ...word(id, (values) => values.event.id),
    ...Object.entries(header).map(([name, test]) => headerCondition(name.toLowerCase(), test)),
    ...Object.entries(json).map(([path, test]) => jsonCondition(path, test)),
    ...all.map((each) => every(conditionsOf(each))),
  ]
  if (any !== undefined) {
    const branches = any.map((each) => every(conditionsOf(each)))
    conditions.push((values) => branches.some((branch) => branch(values)))
  }
  if (not !== undefined) {
    const negated = every(conditionsOf(not))
    conditions.push((values) => !negated(values))
  }
  return conditions
}

function every(conditions: readonly Condition[]): Condition {
  return (values) => conditions.every((condition) => condition(values))
}

function word(test: Scalar | Test | undefined, read: (values: EventValues) => unknown): Condition[] {
  if (test === undefined) return []
  const passes = compileTest(test)
  return [(values) => passes(read(values))]
}

function headerCondition(name: string, test: Scalar | Test): Condition {
  const passes = compileTest(test)
  return (values) => {
    const found = values.headers(name)
    return found.length === 0 ? passes(undefined) : found.some(passes)
  }
}

function jsonCondition(path: string, test: Scalar | Test): Condition {
  const passes = compileTest(test)
  const names = readPath(path)
  return (values) => passes(values.json(names))
}

/** `undefined` is what is not there. */
type Passes = (value: unknown) => boolean

function compileTest(test: Scalar | Test): Passes {
  if (typeof test !== 'object' || test === null) return (value) => value === test
  const checks = Object.entries(test).map(([name, operand]) => {
    // The schema has made sure of both.
    const make = OPERATORS[name as keyof Test] as (operand: never) => Passes
    return make(operand as never)
  })
  return (value) => checks.every((check) => check(value))
}

const OPERATORS: { readonly [Name in keyof Required<Test>]: (operand: Required<Test>[Name]) => Passes } = {
  is: (operand) => (value) => value === operand,
  oneOf: (operands) => {
    const known = new Set<unknown>(operands)
    return (value) => known.has(value)
  },
  exists: (operand) => (value) => (value !== undefined) === operand,
  startsWith: (operand) => (value) => typeof value === 'string' && value.startsWith(operand),
  endsWith: (operand) => (value) => typeof value === 'string' && value.endsWith(operand),
  contains: (operand) => (value) =>
    Array.isArray(value)
      ? value.includes(operand)
      : typeof value === 'string' && typeof operand === 'string' && value.includes(operand),
  above: (operand) => (value) => numberOf(value) > operand,
  atLeast: (operand) => (value) => numberOf(value) >= operand,
  below: (operand) => (value) => numberOf(value) < operand,
  atMost: (operand) => (value) => numberOf(value) <= operand,
}

/** NaN, which no comparison holds for, where it is no number. Senders write amounts as texts as well. */
function numberOf(value: unknown): number {
  if (typeof value === 'number') return value
  return typeof value === 'string' && value.length <= 40 && /^-?\d+(?:\.\d+)?$/.test(value)
    ? Number(value)
    : Number.NaN
}
