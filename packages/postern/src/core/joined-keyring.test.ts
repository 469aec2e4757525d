import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { JoinedKeyring } from './joined-keyring.ts'
import { Keyring } from './keyring.ts'

const LONG = 'x'.repeat(16)
const NONE = new Keyring([], { as: 'utf8' })
const one = new Keyring(['6b6579'], { as: 'hex' })
const two = new Keyring([LONG, 'other'], { as: 'utf8' })

function visited(ring: Keyring): readonly (readonly [string, number])[] {
  const keys: (readonly [string, number])[] = []
  ring.forEach((key, index) => keys.push([Buffer.from(key).toString(), index]))
  return keys
}

describe('keyrings one after the other', () => {
  it('have the keys and digests of the first, and then those of the second', () => {
    const both = new JoinedKeyring(one, two)
    expect(visited(both)).toEqual([
      ['key', 0],
      [LONG, 1],
      ['other', 2],
    ])
    expect(both.digests()).toEqual([...one.digests(), ...two.digests()])
    expect(both.size).toBe(3)
    expect([one.size, two.size]).toEqual([1, 2])
    expect(visited(new JoinedKeyring(both, one)).at(-1)).toEqual(['key', 3])
  })

  it('have the very bytes of each, by which methods know their keys', () => {
    const keysOf = (ring: Keyring): readonly Uint8Array[] => {
      const keys: Uint8Array[] = []
      ring.forEach((key) => keys.push(key))
      return keys
    }
    const joined = keysOf(new JoinedKeyring(one, two))
    ;[...keysOf(one), ...keysOf(two)].forEach((key, index) => expect(joined[index]).toBe(key))
  })

  it('sign by the first key that there is', () => {
    expect(Buffer.from(new JoinedKeyring(one, two).first()!).toString()).toBe('key')
    expect(Buffer.from(new JoinedKeyring(NONE, two).first()!).toString()).toBe(LONG)
    expect(new JoinedKeyring(NONE, NONE).first()).toBeUndefined()
  })

  it('have a weak key where one of them has', () => {
    const long = new Keyring([LONG], { as: 'utf8' })
    expect(new JoinedKeyring(one, long).hasWeakKey).toBe(true)
    expect(new JoinedKeyring(long, one).hasWeakKey).toBe(true)
    expect(new JoinedKeyring(long, long).hasWeakKey).toBe(false)
  })

  it('override whatever a keyring has', () => {
    const own = Object.getOwnPropertyNames(JoinedKeyring.prototype)
    expect(own.toSorted()).toEqual(Object.getOwnPropertyNames(Keyring.prototype).toSorted())
  })

  it('show nothing of a key', () => {
    const both = new JoinedKeyring(one, two)
    const shown = [
      JSON.stringify(both),
      inspect(both, { showHidden: true, depth: Infinity, getters: true }),
      JSON.stringify({ ...both }),
    ].join()
    for (const key of ['6b6579', LONG, 'other', '78 78 78']) expect(shown).not.toContain(key)
  })
})
