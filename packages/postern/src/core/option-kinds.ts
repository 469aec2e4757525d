/** What an option may be, where it is there, and how that is said. */
export type Kind = readonly [is: (value: unknown) => boolean, words: string]

function isFilled(value: unknown): boolean {
  return typeof value === 'string' && /\S/.test(value)
}

/** One of these. */
export function oneOf(...choices: readonly unknown[]): Kind {
  return [(value) => choices.includes(value), `one of ${choices.join(', ')}`]
}

/** A number of 0 or more, not NaN, and small enough that a time with it added is one that every store can hold. */
export const NUMBER: Kind = [
  (value) => typeof value === 'number' && value >= 0 && value <= 1e15,
  'a number from 0 to 1e15',
]

/** Not blank. */
export const TEXT: Kind = [isFilled, 'text']

/** One or more, none of them blank. */
export const TEXTS: Kind = [
  (value) => Array.isArray(value) && isFilled(value[0]) && value.every(isFilled),
  'a list of texts',
]

export const TEXT_OR_TEXTS: Kind = [(value) => isFilled(value) || TEXTS[0](value), 'text, or a list of texts']

/** As a `Secret`: blank ones are absent, as from a variable that is not set. */
export const SECRET: Kind = [
  (value) => [value].flat().every((each = '') => typeof each === 'string'),
  'text, or a list of texts',
]

export const FUNCTION: Kind = [(value) => typeof value === 'function', 'a function']

export const FUNCTION_OR_FLAG: Kind = [
  (value) => typeof value === 'function' || typeof value === 'boolean',
  'true, false or a function',
]

/** Several of these, at least one. */
export function someOf(...choices: readonly string[]): Kind {
  return [
    (value) => TEXTS[0](value) && (value as readonly string[]).every((each) => choices.includes(each)),
    `a list of ${choices.join(' and ')}`,
  ]
}
