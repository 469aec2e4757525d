import { describe, expect, test } from 'vitest'
import { DURATION_BOUNDS_MS, HistogramCounter, SIZE_BOUNDS } from './histogram.ts'

function counted(bounds: readonly number[], values: readonly number[]): ReturnType<HistogramCounter['read']> {
  const counter = new HistogramCounter(bounds)
  for (const value of values) counter.add(value)
  return counter.read()
}

describe('a histogram', () => {
  test('has nothing in it at first', () => {
    expect(counted([1, 4], [])).toEqual({ bounds: [1, 4], counts: [0, 0, 0], count: 0, sum: 0, max: 0 })
  })

  test('counts a number in the first bucket whose bound it does not exceed', () => {
    expect(counted([1, 4, 16], [0, 1, 1.1, 4, 5, 16]).counts).toEqual([2, 2, 2, 0])
  })

  test('has one bucket more for what is above the last bound', () => {
    expect(counted([1, 4], [4.001, 1e9]).counts).toEqual([0, 0, 2])
  })

  test('knows how many there were, their sum and the largest', () => {
    expect(counted([1, 4], [3, 9, 0.5])).toMatchObject({ count: 3, sum: 12.5, max: 9 })
  })

  test('is a value: what was read stays as it was', () => {
    const counter = new HistogramCounter([1])
    counter.add(1)
    const before = counter.read()
    counter.add(2)
    expect(before).toEqual({ bounds: [1], counts: [1, 0], count: 1, sum: 1, max: 1 })
    expect(counter.read().counts).toEqual([1, 1])
  })

  test.each([
    ['durations', DURATION_BOUNDS_MS],
    ['sizes', SIZE_BOUNDS],
  ])('has bounds that rise, for %s', (_name, bounds) => {
    expect(bounds).toEqual([...new Set(bounds)].toSorted((left, right) => left - right))
  })
})
