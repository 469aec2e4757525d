import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { DueQueue } from './due-queue.ts'

test('takes what is due by time, then sequence, whatever order it came in', () => {
  const entries = fc.array(fc.record({ atMs: fc.nat(9), deliverySeq: fc.nat(50) }))
  fc.assert(
    fc.property(entries, fc.nat(9), (added, nowMs) => {
      const queue = new DueQueue(() => true)
      for (const entry of added) queue.add(entry)
      const due = added.filter(({ atMs }) => atMs <= nowMs)
      const expected = due.toSorted((a, b) => a.atMs - b.atMs || a.deliverySeq - b.deliverySeq)
      const taken = due.map(() => queue.takeDue(nowMs))
      expect(taken).toEqual(expected.map(({ deliverySeq }) => deliverySeq))
      expect(queue.takeDue(nowMs)).toBeUndefined()
    }),
  )
})

test('passes over what has moved on', () => {
  const gone = new Set([1, 3])
  const queue = new DueQueue(({ deliverySeq }) => !gone.has(deliverySeq))
  for (const deliverySeq of [1, 2, 3, 4]) queue.add({ atMs: deliverySeq, deliverySeq })
  expect(queue.firstMs()).toBe(2)
  expect([queue.takeDue(9), queue.takeDue(9), queue.takeDue(9)]).toEqual([2, 4, undefined])
  expect(queue.firstMs()).toBeUndefined()
})
