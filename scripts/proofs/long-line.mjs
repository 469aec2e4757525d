import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { orderedEvent } from '../../test/support/ordered-event.mjs'
import { placeAt } from '../../test/support/places/index.mjs'
import { makeGround } from './ground.mjs'

const CLAIMS = 1000
const PUT_AT_ONCE = 1000
const LEASE_MS = 3_600_000

/**
 * What a key with a long line costs: claims from other keys, in turns from a store that has that line and from one that has
 * not; and the steps of the line itself, beside those of a short one. In ms, medians. In memory where there is such a
 * folder: what counts is the work, and a disk would hide it; a server's own settings hide little of it.
 */
export async function longLine(length, kind) {
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'postern-line-'))
  const ground = await makeGround(kind, { folder })
  const opened = await Promise.all(
    ['without', 'with'].map(async (name) => placeAt(await ground.place(name)).open({ writer: 'inline' })),
  )
  const stores = opened.map(({ store }) => store)
  try {
    const [without, with_] = stores
    const heads = []
    await putMany(without, CLAIMS, () => 'hot')
    await putMany(with_, length, () => 'hot')
    for (const store of stores) {
      // The line's head is under way, else it would come first.
      heads.push(await claimOne(store))
      await putMany(store, CLAIMS, (n) => `other_${n}`, 'other')
    }
    const claims = await inTurns(stores, claimOne)
    for (const [index, store] of stores.entries()) await settle(store, heads[index])
    const steps = await inTurns(stores, stepOf, CLAIMS / 2)
    return {
      length,
      claimMs: claims[1],
      claimWithoutLineMs: claims[0],
      claimRatio: ratio(claims),
      stepMs: steps[1],
      stepOfShortLineMs: steps[0],
      stepRatio: ratio(steps),
    }
  } finally {
    for (const { store, close } of opened) {
      await store.close()
      await close()
    }
    await ground.stop()
    rmSync(folder, { recursive: true })
  }
}

async function putMany(store, count, keyOf, prefix = 'hot') {
  for (let first = 0; first < count; first += PUT_AT_ONCE) {
    const batch = Array.from({ length: Math.min(PUT_AT_ONCE, count - first) }, (_, index) =>
      orderedEvent(`${prefix}/${first + index}`, keyOf(first + index)),
    )
    await store.put(batch)
  }
}

async function claimOne(store) {
  const destinations = [{ name: 'handlers', limit: 1 }]
  const [claimed] = await store.claim({ destinations, leaseMs: LEASE_MS, waitMs: 0 })
  if (claimed === undefined) throw new Error('nothing was due')
  return claimed
}

async function settle(store, { deliverySeq, token }) {
  await store.settle([{ deliverySeq, token, outcome: { kind: 'succeeded' }, durationMs: 0 }])
}

/** The next of the line, from its claim to its end. Nothing else is due by then. */
async function stepOf(store) {
  await settle(store, await claimOne(store))
}

/** Medians of the same step in each store, made in turns, so that both meet the same machine. */
async function inTurns(stores, step, count = CLAIMS) {
  const taken = stores.map(() => [])
  for (let turn = 0; turn < count; turn += 1) {
    for (const [index, store] of stores.entries()) {
      const startedMs = performance.now()
      await step(store)
      taken[index].push(performance.now() - startedMs)
    }
  }
  return taken.map((times) => Math.round(times.toSorted((a, b) => a - b)[count / 2] * 1000) / 1000)
}

function ratio([without, with_]) {
  return Math.round((with_ / without) * 100) / 100
}
