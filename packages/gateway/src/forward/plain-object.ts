import * as v from 'valibot'

/**
 * An object with these options and no others. A `Map`, a `Headers` or an instance of a class has its contents elsewhere than in
 * members, and would be taken for an object without any. What is undefined is left out, so that it stands over no default.
 */
export function plainObject<Entries extends v.ObjectEntries>(
  entries: Entries,
): v.GenericSchema<v.InferInput<v.StrictObjectSchema<Entries, undefined>>> {
  return v.pipe(plain, v.strictObject(entries), v.transform(withoutUndefined)) as unknown as v.GenericSchema<
    v.InferInput<v.StrictObjectSchema<Entries, undefined>>
  >
}

/** An object by names of the user's own. */
export function dictionary<Value>(
  key: v.GenericSchema<string>,
  value: v.GenericSchema<Value>,
): v.GenericSchema<Record<string, Value>> {
  return v.pipe(plain, v.rawCheck(refuseNamesOfObjects), v.record(key, value)) as unknown as v.GenericSchema<
    Record<string, Value>
  >
}

const plain = v.custom<Record<string, unknown>>(isPlain, 'must be a plain object')

/** Also one of another realm, as a configuration may be loaded in. */
function isPlain(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/** `v.record` leaves them out without a word, and with them what was said of the name. */
const NAMES_OF_OBJECTS = ['__proto__', 'constructor', 'prototype']

function refuseNamesOfObjects({ dataset, addIssue }: v.RawCheckContext<Record<string, unknown>>): void {
  if (!dataset.typed) return
  const input = dataset.value
  for (const key of NAMES_OF_OBJECTS) {
    if (!Object.hasOwn(input, key)) continue
    addIssue({
      message: 'this name cannot be used here, since objects have it of themselves',
      path: [{ type: 'object', origin: 'key', input, key, value: input[key] }],
    })
  }
}

function withoutUndefined(given: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
}
