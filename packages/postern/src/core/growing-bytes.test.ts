import { describe, expect, it } from 'vitest'
import { GrowingBytes } from './growing-bytes.ts'

function gathered(maxBytes: number, ...chunks: readonly (readonly number[])[]): GrowingBytes {
  const bytes = new GrowingBytes(maxBytes)
  for (const chunk of chunks) expect(bytes.add(Uint8Array.from(chunk))).toBe(true)
  return bytes
}

describe('GrowingBytes', () => {
  it('joins its chunks in order, empty ones among them', () => {
    expect([...gathered(10, [], [1, 2], [], [3], [4, 5, 6]).bytes()]).toEqual([1, 2, 3, 4, 5, 6])
    expect([...gathered(0).bytes()]).toEqual([])
  })

  it('takes as many bytes as the maximum, and none more', () => {
    const full = gathered(3, [1, 2], [3])
    expect(full.add(Uint8Array.of())).toBe(true)
    expect(full.add(Uint8Array.of(4))).toBe(false)
    expect([...full.bytes()]).toEqual([1, 2, 3])
    expect(new GrowingBytes(3).add(new Uint8Array(4))).toBe(false)
  })

  it('keeps a single chunk without a copy', () => {
    const chunk = Uint8Array.of(1, 2, 3)
    const bytes = new GrowingBytes(10)
    bytes.add(chunk)
    expect(bytes.bytes().buffer).toBe(chunk.buffer)
  })

  it('never writes into memory that it was handed', () => {
    const memory = Uint8Array.of(1, 2, 3, 9, 9, 9)
    const bytes = new GrowingBytes(6)
    bytes.add(memory.subarray(0, 3))
    bytes.add(Uint8Array.of(4, 5, 6))
    expect([...memory]).toEqual([1, 2, 3, 9, 9, 9])
    expect([...bytes.bytes()]).toEqual([1, 2, 3, 4, 5, 6])
  })

  it('takes at most twice its length in memory, however small the chunks', () => {
    const bytes = new GrowingBytes(1_000_000)
    const ratios: number[] = []
    for (let length = 1; length <= 100_000; length += 1) {
      bytes.add(Uint8Array.of(length))
      ratios.push(bytes.capacity / Math.max(length, 2048))
    }
    expect(bytes.bytes().byteLength).toBe(100_000)
    expect(Math.max(...ratios)).toBeLessThanOrEqual(2)
  })

  it('copies what it has only where a block is full, into one of at least 4 KiB or twice the length', () => {
    const bytes = new GrowingBytes(100_000)
    const blocks = new Map<ArrayBufferLike, number>()
    for (let length = 1; length <= 8195; length += 1) {
      bytes.add(Uint8Array.of(1))
      blocks.set(bytes.bytes().buffer, length)
    }
    // How much each block had in it when it was left.
    expect([...blocks.values()]).toEqual([1, 4096, 8194, 8195])
  })

  it('never takes more than its maximum', () => {
    const bytes = gathered(5000, Array<number>(3000).fill(1), Array<number>(1000).fill(2))
    expect(bytes.capacity).toBe(5000)
  })
})
