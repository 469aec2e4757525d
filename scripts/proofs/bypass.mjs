import { setTimeout } from 'node:timers/promises'
import { placeAt } from '../../test/support/places/index.mjs'
import { bodyOf } from '../../test/support/signed-connection.mjs'

const WAKE_UPS = 11
const LOOK_EVERY_MS = 5

/**
 * Records events past all nodes, so that they have to be told of them. First one after the other, each when the one before
 * it is begun: half of them within `wokenP50Ms`, which is less than a second only where nobody has to poll. Then many at once.
 * `node` is the only one that is left.
 */
export async function putPastNodes(place, node, count) {
  const { store, close } = await placeAt(place).open()
  const ids = Array.from({ length: WAKE_UPS + count }, (_, index) => `direct_${index}`)
  const times = []
  for (const id of ids.slice(0, WAKE_UPS))
    times.push(await timeUntilBegun(node, () => store.put([eventOf(id)])))
  await store.put(ids.slice(WAKE_UPS).map(eventOf))
  await store.close()
  await close()
  return { ids, wokenP50Ms: times.toSorted((a, b) => a - b)[(WAKE_UPS - 1) / 2] }
}

async function timeUntilBegun(node, put) {
  while (await isBusy(node)) await setTimeout(LOOK_EVERY_MS)
  const { handled } = await node.usage()
  await put()
  const startedMs = performance.now()
  while ((await node.usage()).handled === handled) await setTimeout(LOOK_EVERY_MS)
  return Math.round(performance.now() - startedMs)
}

/** Whether it still begins handlers of what came before. */
async function isBusy(node) {
  const { handled } = await node.usage()
  await setTimeout(10 * LOOK_EVERY_MS)
  return (await node.usage()).handled !== handled
}

function eventOf(id) {
  return {
    tenant: '',
    source: 'vastai',
    id,
    idKind: 'signed',
    type: 'resource.created',
    createdMs: undefined,
    orderingKey: undefined,
    onDead: undefined,
    verifiedBy: 'vastai-template',
    body: Buffer.from(bodyOf(id)),
    headers: [],
    dedupeWindowMs: 86_400_000,
    onConflict: 'hold',
    destinations: ['handlers'],
  }
}
