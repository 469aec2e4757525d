import { expect, test } from 'vitest'
import { escapeUnprintable, isPrintable } from './escape.ts'

test.each([
  ['a line break', 'a\r\nb', 'a\\u{d}\\u{a}b'],
  ['an ANSI sequence', '\u001b[31mred', '\\u{1b}[31mred'],
  ['a window title', '\u001b]0;owned\u0007', '\\u{1b}]0;owned\\u{7}'],
  ['a C1 control, which some terminals take for ESC [', '\u009b31m', '\\u{9b}31m'],
  ['a bidirectional override', 'a\u202egnp.exe', 'a\\u{202e}gnp.exe'],
  ['a bidirectional isolate', '\u2066x\u2069', '\\u{2066}x\\u{2069}'],
  ['a space of no width', 'pay\u200bpal', 'pay\\u{200b}pal'],
  ['a tag character', 'a\u{e0041}', 'a\\u{e0041}'],
  ['a line separator', 'a\u2028b', 'a\\u{2028}b'],
  ['NUL', '\0', '\\u{0}'],
  ['half a surrogate pair', 'a\ud800', 'a\\u{d800}'],
])('%s is written out', (_what, text, expected) => {
  expect(escapeUnprintable(text)).toBe(expected)
  expect(isPrintable(text)).toBe(false)
})

test.each(['resource.created', 'größe 東京 🎉', `quotes ' " \\ $(x)`])('%j stays as it is', (text) => {
  expect(escapeUnprintable(text)).toBe(text)
  expect(isPrintable(text)).toBe(true)
})

test('long text is cut', () => {
  expect(escapeUnprintable('x'.repeat(1000), 10)).toBe(`${'x'.repeat(10)}…`)
})

test('text is cut before it is written out, so that no escape is cut in two', () => {
  expect(escapeUnprintable('\n'.repeat(1000), 2)).toBe('\\u{a}\\u{a}…')
})
