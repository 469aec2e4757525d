/** A key for each, since Redis copies the key that an effect changes before it changes it. */
const EFFECT = 'effect:'

/** @param {string} url @returns {import('./index.mjs').Place} */
export function redisPlace(url) {
  return {
    open: async ({ mayLose } = {}) => {
      const [{ Redis }, { redis }] = await Promise.all([import('ioredis'), import('postern/redis')])
      // With the settings it comes with: the store makes connections of its own.
      const client = new Redis(url).on('error', () => {})
      const store = redis(client, { ...(mayLose && { mayLoseAcknowledgedEvents: true }) })
      return { store, close: async () => client.disconnect() }
    },
    prepare: async () => {},
    effect: (id) => ['INCR', `${EFFECT}${id}`],
    readEffects: () => readCounters(url),
    // It reads its whole log at every start, and refuses one that is broken.
    integrity: async () => 'ok',
  }
}

async function readCounters(url) {
  const { Redis } = await import('ioredis')
  const client = new Redis(url)
  const counts = new Map()
  try {
    for await (const keys of client.scanStream({ match: `${EFFECT}*`, count: 10_000 })) {
      if (keys.length === 0) continue
      const values = await client.mget(keys)
      // A scan may name a key twice.
      keys.forEach((key, index) => counts.set(key.slice(EFFECT.length), Number(values[index])))
    }
  } finally {
    client.disconnect()
  }
  return [...counts]
}
