import { describe, expect, test, vi } from 'vitest'
import { BodyBudget } from './body-reading.ts'

const LIMIT = 1_000_000

describe('a body being read', () => {
  test('is its chunks, one after another', () => {
    const reading = new BodyBudget().begin(LIMIT, () => {})
    for (const text of ['post', '', 'er', 'n']) reading.add(Buffer.from(text))
    expect(Buffer.from(reading.finish()).toString()).toBe('postern')
  })

  test('is empty without a chunk', () => {
    expect(new BodyBudget().begin(LIMIT, () => {}).finish()).toEqual(new Uint8Array())
  })

  test('may be as long as its limit', () => {
    const reading = new BodyBudget().begin(4, () => {})
    expect([reading.add(chunk(3)), reading.add(chunk(1))]).toEqual([true, true])
  })

  test('may not be a byte longer than its limit', () => {
    const reading = new BodyBudget().begin(4, () => {})
    expect([reading.add(chunk(3)), reading.add(chunk(2))]).toEqual([true, false])
  })

  test('may not exceed its limit in its first chunk', () => {
    expect(new BodyBudget().begin(4, () => {}).add(chunk(5))).toBe(false)
  })

  test('of one-byte chunks is whole', () => {
    const reading = new BodyBudget().begin(LIMIT, () => {})
    const bytes = Uint8Array.from({ length: 10_000 }, (_, index) => index % 251)
    for (let index = 0; index < bytes.length; index += 1) reading.add(bytes.subarray(index, index + 1))
    expect(Buffer.compare(reading.finish(), bytes)).toBe(0)
  })
})

describe('the budget', () => {
  test('is not touched while all bodies fit', () => {
    const { budget, begin } = aBudget(100)
    const [a, b] = [begin('a'), begin('b')]
    a.add(chunk(50))
    b.add(chunk(50))
    expect(budget.gaveWay).toEqual([])
  })

  test('takes its memory from the body that has been arriving for the longest', () => {
    const { budget, begin } = aBudget(10_000)
    const a = begin('a')
    a.add(chunk(1))
    begin('b').add(chunk(5000))
    // It is small and has just sent something; its age counts.
    a.add(chunk(1))
    begin('c').add(chunk(2000))
    expect(budget.gaveWay).toEqual(['a'])
  })

  test('takes it from as many as are needed, and no more', () => {
    const { budget, begin } = aBudget(100)
    for (const name of ['a', 'b', 'c', 'd']) begin(name).add(chunk(25))
    begin('e').add(chunk(50))
    expect(budget.gaveWay).toEqual(['a', 'b'])
  })

  test('lets a body that alone exceeds it give way itself', () => {
    const { budget, begin } = aBudget(100)
    begin('a').add(chunk(101))
    expect(budget.gaveWay).toEqual(['a'])
  })

  test('asks each body once', () => {
    const { budget, begin } = aBudget(100)
    begin('a').add(chunk(80))
    begin('b').add(chunk(80))
    begin('c').add(chunk(20))
    expect(budget.gaveWay).toEqual(['a'])
  })

  test('has the memory of a finished body back', () => {
    const { budget, begin } = aBudget(100)
    const a = begin('a')
    a.add(chunk(80))
    a.finish()
    begin('b').add(chunk(80))
    expect(budget.gaveWay).toEqual([])
  })

  test('has the memory of a body that was given up back', () => {
    const { budget, begin } = aBudget(100)
    const a = begin('a')
    a.add(chunk(80))
    a.end()
    begin('b').add(chunk(80))
    expect(budget.gaveWay).toEqual([])
  })

  test('has the memory of a body that gave way back', () => {
    const { budget, begin } = aBudget(100)
    begin('a').add(chunk(80))
    begin('b').add(chunk(80))
    const c = begin('c')
    c.add(chunk(20))
    expect(budget.gaveWay).toEqual(['a'])
  })

  test('has it back once, however often a body is ended', () => {
    const { budget, begin } = aBudget(100)
    const a = begin('a')
    a.add(chunk(80))
    a.finish()
    a.end()
    a.end()
    begin('b').add(chunk(80))
    begin('c').add(chunk(80))
    expect(budget.gaveWay).toEqual(['b'])
  })

  test('is charged for the memory that one-byte chunks take, not for their bytes alone', () => {
    const { budget, begin } = aBudget(4096)
    const a = begin('a')
    a.add(chunk(1))
    a.add(chunk(1))
    begin('b').add(chunk(1))
    expect(budget.gaveWay).toEqual(['a'])
  })

  test('is charged no more than twice the bytes of a long body of one-byte chunks', () => {
    const { budget, begin } = aBudget(2 * 100_000)
    const a = begin('a')
    for (let index = 0; index < 100_000; index += 1) a.add(chunk(1))
    expect(budget.gaveWay).toEqual([])
  })

  test('never counts a body for more than its limit', () => {
    const gaveWay = vi.fn()
    const reading = new BodyBudget(5000).begin(5000, gaveWay)
    for (let index = 0; index < 5000; index += 1) reading.add(chunk(1))
    expect(gaveWay).not.toHaveBeenCalled()
  })

  test('lets go of the bytes of a body that gave way', () => {
    const { begin } = aBudget(100)
    const a = begin('a')
    a.add(chunk(80))
    begin('b').add(chunk(80))
    expect(a.finish()).toEqual(new Uint8Array())
  })
})

/** A budget that keeps the names of those that gave way. */
function aBudget(maxBytes: number): {
  readonly budget: { readonly gaveWay: readonly string[] }
  readonly begin: (name: string) => ReturnType<BodyBudget['begin']>
} {
  const gaveWay: string[] = []
  const budget = new BodyBudget(maxBytes)
  return { budget: { gaveWay }, begin: (name) => budget.begin(LIMIT, () => gaveWay.push(name)) }
}

function chunk(length: number): Uint8Array {
  return new Uint8Array(length)
}
