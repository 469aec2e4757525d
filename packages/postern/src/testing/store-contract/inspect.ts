import assert from 'node:assert/strict'
import { cases, type ContractCase } from './case.ts'
import { MINUTE, putStored } from './fixtures.ts'

export const inspectCases: readonly ContractCase[] = cases('inspect', {
  'it names its engine, and its settings keep what is acknowledged': async (store) => {
    const { engine, settings, schemaVersion, acceptsLoss } = await store.inspect()
    assert.notEqual(engine.trim(), '')
    assert.ok(schemaVersion === undefined || (Number.isInteger(schemaVersion) && schemaVersion > 0))
    for (const { name, value, wanted, isSound } of settings)
      assert.ok(isSound, `${name} is ${value}, not ${wanted}`)
    assert.ok(acceptsLoss || settings.length > 0, 'What a store promises hangs on some setting of its engine')
  },
  'it tells the distance of its clock': async (store) => {
    const { clockAheadMs } = await store.inspect()
    assert.ok(Math.abs(clockAheadMs) < 60 * MINUTE, `${clockAheadMs} ms apart on one machine`)
  },
  'looking changes nothing': async (store) => {
    await putStored(store)
    const before = await store.list({ of: 'deliveries', limit: 10 })
    await store.inspect()
    assert.deepEqual(await store.list({ of: 'deliveries', limit: 10 }), before)
  },
})
