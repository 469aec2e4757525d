/**
 * Whatever a package publishes says what it promises, where it is declared: editors show that line, and nobody opens our
 * source to learn what an option's unit is. The packages' `exports` say what is published.
 */
import { describe, expect, test } from 'vitest'
import { type PublicName, entriesOf, publicNamesOf } from './support/public-names.ts'

const entries = ['packages/postern', 'packages/gateway'].flatMap(entriesOf)

describe.each(entries)('what $entry publishes', (entry) => {
  const names = publicNamesOf(entry)

  test('is found: at least all that is there when it is imported', async () => {
    const found = names.map(({ name }) => name)
    const imported = Object.keys((await import(entry.path)) as object)
    expect(imported).not.toEqual([])
    expect(imported.filter((name) => !found.includes(name))).toEqual([])
  })

  test('has a docstring', () => {
    expect(withoutDocstring(names)).toEqual([])
  })

  test('has one that says more than the name', () => {
    expect(withParaphrase(names)).toEqual([])
  })
})

describe('in code of which we know it', () => {
  test.each([
    ['export interface A {}', ['A']],
    ['/** Whose turn it is. */\nexport interface A {}', []],
    ['/** Whose turn it is. */\n\ninterface A {}\nexport type { A }', []],
    ['/** The file.\n * @module\n */\nexport interface A {}', ['A']],
    ['/* Whose turn it is. */\nexport interface A {}', ['A']],
    ['// Whose turn it is.\nexport interface A {}', ['A']],
    ['/** */\nexport interface A {}', ['A']],
    ['/** Whose turn it is. */\nconst b = 1\nexport const a = b', ['a']],
    ['/** Adds up. */\nexport function a(b: 1): 1\nexport function a(b: 2): 2', []],
    ['export const a = 1, b = 2', ['a', 'b']],
    ['export class A {}\nexport type B = 1\nexport function c(): void {}', ['A', 'B', 'c']],
    ["export * from './other.ts'", ['A']],
    ["export { A as B } from './other.ts'", ['B']],
    ["import { A } from './other.ts'\nexport { A }", ['A']],
    ["import type { A as B } from './other.ts'\nexport type { B as C }", ['C']],
    ['/** When to stop. */\nexport interface A { b: number }', []],
    [
      '/** When to stop. */\nexport interface AOptions { b: number; c(): void }',
      ['AOptions.b', 'AOptions.c'],
    ],
    [
      '/** When to stop. */\nexport type AOptions = { /** Of a day. */ b: number } & { c: 1 }',
      ['AOptions.c'],
    ],
    [
      "import type { A } from './other.ts'\n/** When to stop. */\nexport interface BOptions extends Omit<A, 'b'> {}",
      ['BOptions.a'],
    ],
  ])('%j', (code, missing) => {
    expect(withoutDocstring(namesIn(code)).map((each) => each.replace('entry: ', ''))).toEqual(missing)
  })

  test.each([
    ['/** The options of X. */\nexport interface XOptions {}', 1],
    ['/** Options for {@link createX}. */\nexport interface CreateXOptions {}', 1],
    ['/** How X waits: a second at most. */\nexport interface XOptions {}', 0],
  ])('%j paraphrases %i names', (code, count) => {
    expect(withParaphrase(namesIn(code))).toHaveLength(count)
  })
})

function namesIn(code: string): readonly PublicName[] {
  return publicNamesOf({ entry: 'entry', path: '/entry.ts' }, (path) => (path === '/entry.ts' ? code : OTHER))
}

const OTHER = 'export interface A { a: string }'

function withoutDocstring(names: readonly PublicName[]): string[] {
  return names
    .filter(({ docstring }) => docstring === undefined)
    .map(({ entry, name }) => `${entry}: ${name}`)
}

function withParaphrase(names: readonly PublicName[]): string[] {
  return names
    .filter(({ docstring, name }) => docstring !== undefined && isParaphrase(docstring, name))
    .map(({ entry, name, docstring }) => `${entry}: ${name}: ${docstring}`)
}

const EMPTY_WORDS = new Set(
  'a all an and are by for in is it its link of or that the this to what with'.split(' '),
)

/** Whether every word of it is one of the name's, or says nothing. */
function isParaphrase(docstring: string, name: string): boolean {
  const known = wordsOf(name)
  return [...wordsOf(docstring)].every((word) => known.has(word) || EMPTY_WORDS.has(word))
}

function wordsOf(text: string): ReadonlySet<string> {
  return new Set(
    text
      .replaceAll(/(?<=[a-z])(?=[A-Z])|(?=[A-Z][a-z])/g, ' ')
      .toLowerCase()
      .match(/[a-z0-9]+/g),
  )
}
