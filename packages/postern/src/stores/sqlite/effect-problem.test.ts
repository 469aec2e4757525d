import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { anEvent, claim, claimOne, put, putStored } from '../../testing/store-contract/fixtures.ts'
import { sqlite, type SqliteEffect, type SqliteStore } from './index.ts'

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

const circular: unknown[] = []
circular.push(circular)

describe.each(['thread', 'inline'] as const)('with its writer %s', (writer) => {
  // What an event holds where a text was expected is up to its sender.
  test.each<readonly [what: string, effect: unknown, problem: string]>([
    [
      'an object',
      { sql: 'SELECT ?', params: [{ a: 1 }] },
      'params[0] of an effect is of a type that SQLite does not have: object',
    ],
    [
      'a list',
      { sql: 'SELECT ?, ?', params: [1, circular] },
      'params[1] of an effect is of a type that SQLite does not have: object',
    ],
    [
      'nothing',
      { sql: 'SELECT ?', params: [undefined] },
      'params[0] of an effect is of a type that SQLite does not have: undefined',
    ],
    [
      'a truth value',
      { sql: 'SELECT ?', params: [true] },
      'params[0] of an effect is of a type that SQLite does not have: boolean',
    ],
    ['params by name', { sql: 'SELECT :a', params: { a: 1 } }, 'the params of an effect are no list'],
    [
      'a text with NUL',
      { sql: 'SELECT ?, ?', params: ['a', 'a\0b'] },
      'params[1] of an effect has a NUL, at which SQLite may cut it off: take it out, or bind bytes',
    ],
    [
      'half a surrogate pair',
      { sql: 'SELECT ?', params: ['\ud83d'] },
      'params[0] of an effect has half a surrogate pair, which has no form in UTF-8: take it out, or bind bytes',
    ],
    [
      'SQL that would be cut',
      { sql: "SELECT 1 \0 WHERE 'never'" },
      'the SQL of an effect has a NUL, at which SQLite may cut it off: take it out, or bind bytes',
    ],
    ['no SQL', {}, 'an effect has no text of SQL'],
    ['no effect', null, 'an effect has no text of SQL'],
    ['what cannot even be looked at', revoked(), 'an effect cannot be read'],
    [
      'params that cannot even be looked at',
      { sql: 'SELECT ?', params: [revoked()] },
      'an effect cannot be read',
    ],
    ...[
      'COMMIT',
      'end transaction',
      '; ROLLBACK',
      '-- x\n release settlement',
      '/* x */ Savepoint a',
      'PRAGMA synchronous = OFF',
    ].map(
      (sql) =>
        [
          sql,
          { sql },
          `an effect must not ${/[A-Za-z]{3,}/.exec(sql.replace('-- x', ''))?.[0].toUpperCase()}: it is written in the transaction of its settlement`,
        ] as const,
    ),
  ])('%s fails its settlement, and nothing that shares its commit', async (_what, effect, problem) => {
    const store = aStore(writer)
    await putStored(store, anEvent({ id: 'one' }))
    const bad = await claimOne(store)
    await putStored(store, anEvent({ id: 'two' }))
    const good = await claimOne(store)
    const [settled, stored] = await Promise.all([
      store.settle([
        { ...bad, outcome: { kind: 'succeeded' }, durationMs: 1, effects: [effect as SqliteEffect] },
        { ...good, outcome: { kind: 'succeeded' }, durationMs: 1 },
      ]),
      put(store, anEvent({ id: 'neighbour' })),
    ])
    expect(settled).toEqual([{ result: 'failed', error: new TypeError(problem) }, { result: 'settled' }])
    expect(stored.outcome).toBe('stored')
  })

  test.each([Infinity, -Infinity, -0.5, 2n ** 62n, null, 'text 🪝', new Uint8Array([0, 255])])(
    'an effect writes %s as it is',
    async (value) => {
      const store = aStore(writer)
      await putStored(store, anEvent())
      const lease = await claimOne(store)
      // By SQL alone: what does not arrive as it is breaks the CHECK.
      const literal =
        value === null
          ? 'NULL'
          : value instanceof Uint8Array
            ? "x'00ff'"
            : typeof value === 'string'
              ? `'${value}'`
              : String(value).replace('Infinity', '9e999')
      const table = `CREATE TABLE kept (value CHECK (value IS ${literal}))`
      const effects = [{ sql: table }, { sql: 'INSERT INTO kept VALUES (?)', params: [value] }]
      expect(
        await store.settle([{ ...lease, outcome: { kind: 'succeeded' }, durationMs: 1, effects }]),
      ).toEqual([{ result: 'settled' }])
    },
  )
})

test.each(['thread', 'inline'] as const)(
  'with its writer %s, what cannot be written leaves nothing for the next commit to write',
  async (writer) => {
    const store = aStore(writer)
    // SQLite alone finds out, when the rows of its events are written together.
    const notText = { a: 1 } as unknown as string
    const [bad, good] = await store.put([anEvent({ type: notText, id: 'bad' }), anEvent({ id: 'good' })])
    expect([bad?.outcome, good?.outcome]).toEqual(['failed', 'stored'])
    await store.put([anEvent({ type: notText, id: 'bad' })])
    expect(await store.stat()).toMatchObject({ events: 1, destinations: [{ pending: 1 }] })
    await putStored(store, anEvent({ id: 'next' }))
    expect(await store.stat()).toMatchObject({ events: 2, destinations: [{ pending: 2 }] })
    expect((await claim(store)).map(({ event }) => event.id)).toEqual(['good', 'next'])
  },
)

test('a question that cannot be put to the thread is refused, and the answers after it are their own', async () => {
  const store = aStore('thread')
  const seq = await putStored(store, anEvent({ id: 'one' }))
  const query = { of: 'events', limit: 10, where: () => true } as const
  await expect(store.list(query)).rejects.toThrow(/could not be cloned/)
  expect((await store.get(seq))?.event.id).toBe('one')
  expect((await store.stat()).events).toBe(1)
})

function aStore(writer: 'thread' | 'inline'): SqliteStore {
  const folder = mkdtempSync(join(tmpdir(), 'postern-effects-'))
  const store = sqlite(join(folder, 'inbox.db'), { writer })
  onTestFinished(async () => {
    await store.close()
    rmSync(folder, { recursive: true })
  })
  return store
}
