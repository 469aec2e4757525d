import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  DEDUPE_KEY_BYTES,
  dedupeKey,
  fingerprintOf,
  fingerprintTextOf,
  type Fingerprint,
} from './dedupe-key.ts'
import { anEvent } from '../testing/store-contract/fixtures.ts'
import type { NewEvent } from './store.ts'

function hexOf(...parts: Parameters<typeof dedupeKey>): string {
  return Buffer.from(dedupeKey(...parts)).toString('hex')
}

describe('a dedupe key', () => {
  test('is 16 bytes, the same for the same parts', () => {
    expect(dedupeKey('id', '', 'shop', 'evt_1')).toHaveLength(DEDUPE_KEY_BYTES)
    expect(hexOf('id', '', 'shop', 'evt_1')).toBe(hexOf('id', '', 'shop', 'evt_1'))
  })

  test('is what stored keys were made by: changing it would forget every id', () => {
    const expected = createHash('sha256').update('2:id0:4:shop5:evt_1').digest('hex').slice(0, 32)
    expect(hexOf('id', '', 'shop', 'evt_1')).toBe(expected)
  })

  test('does not let one part flow into the next', () => {
    expect(hexOf('id', '', 'ab', 'c')).not.toBe(hexOf('id', '', 'a', 'bc'))
    expect(hexOf('id', 'ab', 'c', 'x')).not.toBe(hexOf('id', 'a', 'bc', 'x'))
    expect(hexOf('id', '', 'a', 'b', 'c')).not.toBe(hexOf('id', '', 'a', 'bc'))
    expect(hexOf('id', '', 'a', '1:b')).not.toBe(hexOf('id', '', 'a', '', 'b'))
  })

  test('differs by kind, tenant, source and id', () => {
    const keys = [
      hexOf('id', 'acme', 'shop', 'evt_1'),
      hexOf('body', 'acme', 'shop', 'evt_1'),
      hexOf('conflict', 'acme', 'shop', 'evt_1'),
      hexOf('id', 'initech', 'shop', 'evt_1'),
      hexOf('id', 'acme', 'bank', 'evt_1'),
      hexOf('id', 'acme', 'shop', 'evt_2'),
    ]
    expect(new Set(keys).size).toBe(keys.length)
  })

  test('differs wherever its parts differ', () => {
    const parts = fc.tuple(fc.string(), fc.string(), fc.array(fc.string(), { minLength: 1, maxLength: 3 }))
    fc.assert(
      fc.property(parts, parts, (left, right) => {
        const isSame = JSON.stringify(left) === JSON.stringify(right)
        const [leftKey, rightKey] = [left, right].map(([tenant, source, rest]) =>
          hexOf('id', tenant, source, ...rest),
        )
        expect(leftKey === rightKey).toBe(isSame)
      }),
    )
  })
})

describe('a fingerprint', () => {
  test('has the SHA-256 of the exact bytes', () => {
    const body = Uint8Array.of(0, 255, 13, 10)
    expect(hex(fingerprint({ body }).digest)).toBe(createHash('sha256').update(body).digest('hex'))
  })

  test.each([
    ['signed', ['id']],
    ['unsigned', ['id', 'body']],
    ['digest', ['body']],
  ] as const)('of an event whose id is %s is known by its %j', (idKind, kinds) => {
    expect(fingerprint({ idKind }).records.map(({ kind }) => kind)).toEqual(kinds)
  })

  test('has the keys that stored records were made by', () => {
    const digest = createHash('sha256').update('{}').digest('hex')
    const { records, conflictKey } = fingerprint({ idKind: 'unsigned', tenant: 'acme' })
    expect(records.map(({ key }) => hex(key))).toEqual([
      hexOf('id', 'acme', 'shop', 'evt_1'),
      hexOf('body', 'acme', 'shop', digest),
    ])
    expect(hex(conflictKey())).toBe(hexOf('conflict', 'acme', 'shop', 'evt_1', digest))
  })

  test('has the same id key for another body, and the same body key for another id', () => {
    const [one, otherBody, otherId] = [{}, { body: Buffer.from('{ }') }, { id: 'evt_2' }].map((change) =>
      keysOf({ idKind: 'unsigned', ...change }),
    )
    expect([otherBody?.id, otherBody?.body === one?.body]).toEqual([one?.id, false])
    expect([otherId?.body, otherId?.id === one?.id]).toEqual([one?.body, false])
  })

  test('has a conflict key of its own for each id and body', () => {
    const changes = [
      {},
      { id: 'evt_2' },
      { body: Buffer.from('{ }') },
      { tenant: 'acme' },
      { source: 'bank' },
    ]
    expect(new Set(changes.map((change) => hex(fingerprint(change).conflictKey()))).size).toBe(changes.length)
  })

  test('does not depend on what else is said of the event', () => {
    const said = { type: 'void', headers: ['x-copy', '2'], orderingKey: 'cart 7', destinations: [] }
    expect(keysOf({ idKind: 'unsigned', ...said })).toEqual(keysOf({ idKind: 'unsigned' }))
  })

  test.each(['signed', 'unsigned', 'digest'] as const)(
    'says the same as text, of an id that is %s',
    (idKind) => {
      const event = anEvent({ tenant: 'acme', id: 'evt_é', idKind, body: Uint8Array.of(0, 255, 13, 10) })
      const { digest, records, conflictKey } = fingerprintOf(event)
      const text = fingerprintTextOf(event)
      const keys = { id: text.idKey, body: text.bodyKey }
      expect(hex(digest)).toMatch(new RegExp(`^${text.digest}`))
      expect(text.digest).toHaveLength(2 * DEDUPE_KEY_BYTES)
      expect(Object.entries(keys).filter(([, key]) => key !== undefined)).toEqual(
        records.map(({ kind, key }) => [kind, hex(key)]),
      )
      expect(text.conflictKey()).toBe(hex(conflictKey()))
    },
  )
})

function fingerprint(change: Partial<NewEvent> = {}): Fingerprint {
  return fingerprintOf(anEvent({ body: Buffer.from('{}'), ...change }))
}

function keysOf(change: Partial<NewEvent>): Readonly<Record<string, string>> {
  return Object.fromEntries(fingerprint(change).records.map(({ kind, key }) => [kind, hex(key)]))
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
