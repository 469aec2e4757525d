import { describe, expect, it } from 'vitest'
import { PosternError } from './errors.ts'

describe('PosternError', () => {
  it('is an error with a code, told by its name', () => {
    const error = new PosternError('bad_config', 'what is wrong, and what to do')
    expect(error).toBeInstanceOf(Error)
    expect({ ...error, message: error.message }).toEqual({
      name: 'PosternError',
      code: 'bad_config',
      message: 'what is wrong, and what to do',
    })
    expect(String(error)).toBe('PosternError: what is wrong, and what to do')
  })

  it('keeps what caused it, where something did', () => {
    const cause = new Error('ECONNREFUSED')
    expect(new PosternError('store_unavailable', 'no answer', { cause }).cause).toBe(cause)
    expect('cause' in new PosternError('store_unavailable', 'no answer')).toBe(false)
  })
})
