import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { filterBits, KeyFilter } from './key-filter.ts'

const aKey = fc.uint8Array({ minLength: 16, maxLength: 16 })

describe('a filter of keys', () => {
  test('has every key that was added, whatever its bytes', () => {
    fc.assert(
      fc.property(fc.array(aKey, { maxLength: 200 }), (keys) => {
        const filter = new KeyFilter(filterBits(100))
        for (const key of keys) filter.add(key)
        expect(keys.filter((key) => !filter.has(key))).toEqual([])
      }),
    )
  })

  test('is wrong about fewer than 1 of 1,000 others, with as many keys as it is made for', () => {
    const filter = new KeyFilter(filterBits(65_536))
    for (let number = 0; number < 65_536; number += 1) filter.add(keyOf(`in ${number}`))
    const others = Array.from({ length: 50_000 }, (_, number) => keyOf(`out ${number}`))
    const passed = others.filter((key) => filter.has(key)).length
    expect(passed / others.length).toBeLessThan(0.001)
    // It is not that it passes nothing: some do, as they must with 16 bits a key.
    expect(passed).toBeGreaterThan(0)
  })

  test('is stored in 16 bits a key', () => {
    expect(new KeyFilter(filterBits(65_536)).bytes).toHaveLength((65_536 * 16) / 8)
  })

  test('keeps its own keys beside those of a stored one', () => {
    const [stored, filter] = [new KeyFilter(filterBits(100)), new KeyFilter(filterBits(100))]
    stored.add(keyOf('theirs'))
    filter.add(keyOf('ours'))
    filter.addStored(stored.bytes)
    expect([filter.has(keyOf('ours')), filter.has(keyOf('theirs'))]).toEqual([true, true])
    expect(filter.has(keyOf('neither'))).toBe(false)
  })

  test('passes every key where the stored one has another size: it says nothing here', () => {
    const filter = new KeyFilter(filterBits(100))
    filter.addStored(new KeyFilter(filterBits(200)).bytes)
    expect(filter.has(keyOf('any'))).toBe(true)
  })
})

function keyOf(text: string): Uint8Array {
  return createHash('sha256').update(text).digest().subarray(0, 16)
}
