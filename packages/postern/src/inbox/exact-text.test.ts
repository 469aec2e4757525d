import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { fromText, isPlainText, toText } from './exact-text.ts'

/** Any UTF-16 units, with many of those that need an escape. */
const anyString = fc
  .array(fc.oneof(fc.constantFrom(0, 1, 2, 3, 0xd800, 0xdc00, 0xdfff), fc.integer({ min: 0, max: 0xffff })))
  .map((units) => String.fromCharCode(...units))

test('every string comes back, and what is stored holds nothing that the server refuses', () => {
  fc.assert(
    fc.property(anyString, (text) => {
      const stored = toText(text)
      expect(fromText(stored)).toBe(text)
      expect(stored.includes('\0')).toBe(false)
      expect(Buffer.from(stored).toString()).toBe(stored)
    }),
  )
})

test('what needs no escape is stored as it is', () => {
  expect(toText(`it's \\u0000 "plain" 🪝`)).toBe(`it's \\u0000 "plain" 🪝`)
})

test('a text is plain where it is stored as it is', () => {
  fc.assert(fc.property(anyString, (text) => isPlainText(text) === (toText(text) === text)))
})
