import { describe, expect, test } from 'vitest'
import { readCursors, readPage, strayParameter } from './page.ts'

describe('where a page begins', () => {
  test.each(['1', '42', '9'.repeat(15)])('before=%s', (before) => {
    expect(readCursors(new URLSearchParams({ before }), ['after', 'before'])).toEqual({
      before: Number(before),
    })
    expect(readPage(new URLSearchParams({ before, limit: '7' }), [])).toEqual({
      before: Number(before),
      limit: 7,
    })
  })

  test('at the newest where nothing is said', () => {
    expect(readCursors(new URLSearchParams(), ['before'])).toEqual({})
    expect(readPage(new URLSearchParams(), [])).toEqual({ limit: 100 })
  })

  test.each(['', '0', '-1', '+1', '1.5', '1e3', ' 1', '01', '0x10', 'NaN', '9'.repeat(16), '１'])(
    'before=%s is refused',
    (before) => {
      const problem = 'before must be a whole number of 1 or more'
      expect(readCursors(new URLSearchParams({ before }), ['after', 'before'])).toBe(problem)
      expect(readPage(new URLSearchParams({ before }), [])).toBe(problem)
    },
  )
})

describe('a parameter that is not known', () => {
  test('is refused, with those that are', () => {
    const parameters = new URLSearchParams('before=2&Before=1')
    expect(strayParameter(parameters, ['force', 'before'])).toBe('Unknown parameter; known are force, before')
    expect(readPage(parameters, ['source'])).toBe('Unknown parameter; known are limit, before, source')
    expect(strayParameter(parameters, [])).toBe('There are no parameters here')
  })

  test.each(['', 'before=2', 'before=2&force=true&before=3'])('is not in ?%s', (query) => {
    expect(strayParameter(new URLSearchParams(query), ['force', 'before'])).toBeUndefined()
  })
})
