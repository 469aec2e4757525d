import { expect, test } from 'vitest'
import { fitted, plainText } from './plain-text.ts'

test.each([
  ['two\r\nlines\tand a tab', 'two lines and a tab'],
  ['\u001B[31mred\u0007', '[31mred'],
  ['abc\u202Efdp.exe', 'abc fdp.exe'],
  ['a\u200Bb\uFEFFc', 'a b c'],
  ['half \uD83D of a pair', 'half of a pair'],
  ['\u2028a\u2029b', 'a b'],
  ['  größe 東京 🟡 ', 'größe 東京 🟡'],
])('%j is %j', (text, expected) => {
  expect(plainText(text)).toBe(expected)
})

test('a text is cut to its length, a pair never in two', () => {
  expect(plainText('a'.repeat(1e6), 10)).toBe(`${'a'.repeat(9)}…`)
  expect(plainText('a'.repeat(10), 10)).toBe('a'.repeat(10))
  expect(fitted('🟡🟡🟡', 5)).toBe('🟡🟡…')
  expect(fitted('🟡🟡', 3)).toBe('🟡…')
})

test('escapes count for the length, and none is cut in two', () => {
  const entity = (character: string): string => (character === '<' ? '&lt;' : character)
  expect(fitted('<<<<', 8, entity)).toBe('&lt;…')
  expect(fitted('<<', 8, entity)).toBe('&lt;&lt;')
  for (let most = 1; most < 30; most += 1) {
    expect(fitted('<a<<bc<', most, entity)).toMatch(/^(?:&lt;|[abc])*…?$/)
    expect(fitted('<a<<bc<', most, entity).length).toBeLessThanOrEqual(most)
  }
})
