import { expect, test } from 'vitest'
import { Running } from './running.ts'

test('whatever ends, and in whatever order, the others go on running', () => {
  const running = new Running<string>()
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((item) => running.add(item))
  const left = (): string[] => running.all().toSorted()
  running.remove(b!)
  expect(left()).toEqual(['a', 'c', 'd'])
  running.remove(d!)
  running.add('e')
  running.remove(a!)
  expect(left()).toEqual(['c', 'e'])
  expect(running.some((item) => item === 'c')).toBe(true)
  running.remove(c!)
  expect([left(), running.size]).toEqual([['e'], 1])
})
