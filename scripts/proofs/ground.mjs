// What a proof's store stands on: a folder, or a server of its own that ends with this process, however it ends.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

/**
 * `place` makes a new, empty place for a store; `server` is what can be killed and started again, where there is one.
 * `data` is the folder for a server's data, where they must lie on a certain disk.
 */
export async function makeGround(kind, { folder, settings = {}, data }) {
  const make = GROUNDS[kind]
  if (make === undefined) throw new Error(`--store ${Object.keys(GROUNDS).join(' | ')}, not ${kind}`)
  return make({ folder, settings, data })
}

const GROUNDS = {
  sqlite: async ({ folder, data = folder }) => {
    mkdirSync(data, { recursive: true })
    return { place: async (name) => join(data, `${name}.db`), stop: async () => {} }
  },
  postgres: async ({ settings, data }) => {
    const { QUICK_RECOVERY, startPostgres } = await import('../../test/support/servers/for-scripts.mjs')
    const server = await startPostgres({ ...QUICK_RECOVERY, ...settings }, { data: folderFor(data) })
    return {
      server,
      place: async () => (await server.database()).url,
      stop: () => server.stop(),
    }
  },
  redis: async ({ settings, data }) => {
    const { startRedis } = await import('../../test/support/servers/for-scripts.mjs')
    const server = await startRedis(settings, { data: folderFor(data) })
    let database = 0
    return {
      server,
      place: async () => `${server.url}/${(database += 1) - 1}`,
      stop: () => server.stop(),
    }
  },
}

function folderFor(data) {
  if (data !== undefined) mkdirSync(data)
  return data
}
