import assert from 'node:assert/strict'
import { cases, type ContractCase } from './case.ts'
import { MINUTE, ODD_TEXTS } from './fixtures.ts'

export const stateCases: readonly ContractCase[] = [
  ...cases('state/entries', {
    'a value that was set is there, and the newest counts': async ({ state }) => {
      await state.set('cursor', 'one')
      await state.set('other', 'two')
      assert.equal(await state.get('cursor'), 'one')
      await state.set('cursor', 'three')
      assert.deepEqual([await state.get('cursor'), await state.get('other')], ['three', 'two'])
    },
    'a key that was never set has no value': async ({ state }) => {
      await state.set('cursor', 'one')
      assert.equal(await state.get('curs'), undefined)
      assert.equal(await state.get('cursor '), undefined)
      assert.equal(await state.get('CURSOR'), undefined)
    },
    'undefined removes a value, and no other': async ({ state }) => {
      await state.set('cursor', 'one')
      await state.set('cursors', 'two')
      await state.set('cursor', undefined)
      await state.set('never', undefined)
      assert.equal(await state.get('cursor'), undefined)
      assert.deepEqual(await state.list(''), [{ key: 'cursors', value: 'two' }])
    },
    'an empty value is a value, and an empty key a key': async ({ state }) => {
      await state.set('', '')
      assert.equal(await state.get(''), '')
      assert.deepEqual(await state.list(''), [{ key: '', value: '' }])
    },
    'a list has the keys with its prefix, in their order': async ({ state }) => {
      for (const key of ['pause/b', 'pauses', 'pause/', 'pause/a', 'Pause/c', 'pause', 'pause/B']) {
        await state.set(key, `of ${key}`)
      }
      const keys = ['pause/', 'pause/B', 'pause/a', 'pause/b']
      assert.deepEqual(
        await state.list('pause/'),
        keys.map((key) => ({ key, value: `of ${key}` })),
      )
      assert.deepEqual(await state.list('nothing'), [])
    },
    'the order of the keys is that of their code points': async ({ state }) => {
      const keys = ['a', 'z', 'é', '家', '\uffee', '🪝']
      for (const key of keys.toReversed()) await state.set(key, key)
      assert.deepEqual(
        await state.list(''),
        keys.map((key) => ({ key, value: key })),
      )
    },
    'odd text comes back as it was, and is a prefix of itself only': async ({ state }) => {
      for (const text of ODD_TEXTS) await state.set(text, text)
      for (const text of ODD_TEXTS) {
        assert.equal(await state.get(text), text)
        assert.deepEqual(await state.list(text), [{ key: text, value: text }])
      }
      assert.deepEqual(await state.list('%'), [])
      assert.deepEqual(await state.list('*'), [])
    },
    'changes at once are all made': async ({ state }) => {
      const keys = Array.from({ length: 40 }, (_, index) => `key ${100 + index}`)
      await Promise.all(keys.map((key) => state.set(key, key)))
      assert.deepEqual(
        (await state.list('key')).map(({ key }) => key),
        keys,
      )
    },
    'it is no event': async (store) => {
      await store.state.set('cursor', 'one')
      const { events, destinations } = await store.stat()
      assert.deepEqual([events, destinations], [0, []])
    },
  }),
  ...cases('state/expiry', {
    'a value is forgotten after its time, and not before': async ({ state }, harness) => {
      await state.set('secret/2', 'seen', { forMs: 10 * MINUTE })
      await state.set('secret/1', 'seen')
      await harness.advance(9 * MINUTE)
      assert.equal(await state.get('secret/2'), 'seen')
      assert.equal((await state.list('secret/')).length, 2)
      await harness.advance(2 * MINUTE)
      assert.equal(await state.get('secret/2'), undefined)
      assert.deepEqual(await state.list('secret/'), [{ key: 'secret/1', value: 'seen' }])
    },
    'a value that is set anew has the time it is set with': async ({ state }, harness) => {
      for (const key of ['longer', 'for ever']) await state.set(key, 'one', { forMs: 10 * MINUTE })
      await state.set('shorter', 'one')
      await harness.advance(5 * MINUTE)
      await state.set('longer', 'two', { forMs: 10 * MINUTE })
      await state.set('for ever', 'two')
      await state.set('shorter', 'two', { forMs: MINUTE })
      await harness.advance(6 * MINUTE)
      assert.deepEqual(await state.list(''), [
        { key: 'for ever', value: 'two' },
        { key: 'longer', value: 'two' },
      ])
    },
    'a key whose value was forgotten can be set again': async ({ state }, harness) => {
      await state.set('cursor', 'one', { forMs: MINUTE })
      await harness.advance(2 * MINUTE)
      await state.set('cursor', 'two')
      assert.equal(await state.get('cursor'), 'two')
    },
    'a prune removes nothing whose time is not over': async (store, harness) => {
      await store.state.set('kept', 'one', { forMs: 20 * MINUTE })
      await store.state.set('for ever', 'two')
      await harness.advance(10 * MINUTE)
      await store.prune({ eventsOlderThanMs: 0, limit: 9 })
      assert.equal((await store.state.list('')).length, 2)
    },
  }),
]
