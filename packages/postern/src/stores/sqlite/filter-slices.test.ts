import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { FilterSlices } from './filter-slices.ts'
import { filterBits, KeyFilter } from './key-filter.ts'

const KEYS = 20
const BITS = filterBits(KEYS)
/** More than two blocks. */
const GENERATIONS = 70

describe('the filters of many generations', () => {
  test('answer as each of them would of itself, the newest first', () => {
    const filters = manyFilters()
    const slices = slicesOf(filters)
    // Small filters, so that many keys pass some filter that they are not in.
    for (let number = 0; number < 2000; number += 1) {
      expect(slices.candidates(keyOf(`any ${number}`))).toEqual(passedBy(filters, keyOf(`any ${number}`)))
    }
    for (let generation = 1; generation <= GENERATIONS; generation += 1) {
      expect(slices.candidates(keyOf(`${generation}:0`))).toContain(generation)
    }
  })

  test('say nothing of a generation that was removed, nor pass its keys as those of the one in its place', () => {
    const filters = manyFilters()
    const slices = slicesOf(filters)
    for (const generation of [1, 2, 33, 64]) {
      slices.remove(generation)
      filters.delete(generation)
    }
    const late = new KeyFilter(BITS)
    late.add(keyOf('late'))
    slices.add(100, late.bytes)
    filters.set(100, late)
    for (const key of ['late', '1:0', '2:3', '33:1', '64:1', '65:1'].map(keyOf)) {
      expect(slices.candidates(key)).toEqual(passedBy(filters, key))
    }
    expect(slices.generations.toSorted((left, right) => left - right)).toEqual([...filters.keys()])
  })

  test('are none once all are removed', () => {
    const filters = manyFilters()
    const slices = slicesOf(filters)
    for (const generation of filters.keys()) slices.remove(generation)
    slices.remove(1)
    expect(slices.generations).toEqual([])
    expect(slices.candidates(keyOf('1:0'))).toEqual([])
  })
})

function manyFilters(): Map<number, KeyFilter> {
  const filters = new Map<number, KeyFilter>()
  for (let generation = 1; generation <= GENERATIONS; generation += 1) {
    const filter = new KeyFilter(BITS)
    for (let number = 0; number < KEYS; number += 1) filter.add(keyOf(`${generation}:${number}`))
    filters.set(generation, filter)
  }
  return filters
}

function slicesOf(filters: ReadonlyMap<number, KeyFilter>): FilterSlices {
  const slices = new FilterSlices(BITS)
  for (const [generation, filter] of filters) slices.add(generation, filter.bytes)
  return slices
}

function passedBy(filters: ReadonlyMap<number, KeyFilter>, key: Uint8Array): number[] {
  return [...filters]
    .filter(([, filter]) => filter.has(key))
    .map(([generation]) => generation)
    .toReversed()
}

function keyOf(text: string): Uint8Array {
  return createHash('sha256').update(text).digest().subarray(0, 16)
}
