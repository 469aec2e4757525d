import { describe, expect, it, vi } from 'vitest'
import { lazyProperties } from './lazy-properties.ts'

const texts = (): {
  add: ReturnType<typeof adding>
  upper: ReturnType<typeof vi.fn<(of: string) => string>>
} => {
  const upper = vi.fn((of: string) => of.toUpperCase())
  return { add: adding(upper), upper }
}

describe('lazyProperties', () => {
  it('computes a value when it is first looked at, once, and not for another name', () => {
    const { add, upper } = texts()
    const object = add({ id: 1 }, 'text')
    expect(upper).not.toHaveBeenCalled()
    expect(object.length).toBe(4)
    expect(upper).not.toHaveBeenCalled()
    expect([object.upper, object.upper, upper.mock.calls]).toEqual(['TEXT', 'TEXT', [['text']]])
  })

  it('computes what is undefined once as well', () => {
    const compute = vi.fn(() => undefined)
    const object = lazyProperties<number, { nothing: undefined }>({ nothing: compute })({}, 1)
    expect([object.nothing, object.nothing, compute.mock.calls.length]).toEqual([undefined, undefined, 1])
  })

  it('gives each object its own values', () => {
    const { add } = texts()
    expect([add({}, 'one').upper, add({}, 'three').upper]).toEqual(['ONE', 'THREE'])
  })

  it('lets a spread, JSON, structured clones and derived objects have the values', () => {
    const { add } = texts()
    const object = add({ id: 1 }, 'text')
    const expected = { id: 1, length: 4, upper: 'TEXT' }
    expect({ ...object }).toStrictEqual(expected)
    expect(JSON.parse(JSON.stringify(object))).toStrictEqual(expected)
    expect(structuredClone(object)).toStrictEqual(expected)
    expect((Object.create(object) as typeof object).upper).toBe('TEXT')
    expect(new Proxy(Object.freeze(add({}, 'frozen')), {}).upper).toBe('FROZEN')
  })

  it('shows nothing else: equal objects are equal', () => {
    const { add } = texts()
    expect(add({ id: 1 }, 'text')).toStrictEqual({ id: 1, length: 4, upper: 'TEXT' })
    expect(Reflect.ownKeys({ ...add({ id: 1 }, 'text') })).toEqual(['id', 'length', 'upper'])
  })
})

function adding(upper: (of: string) => string) {
  return lazyProperties<string, { length: number; upper: string }>({ length: (of) => of.length, upper })
}
