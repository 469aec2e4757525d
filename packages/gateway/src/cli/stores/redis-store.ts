import type { Logger } from 'postern'
import type { Redis } from 'ioredis'
import { CONNECT_TIMEOUT_MS, SERVER_CLOCK, SILENCE_TIMEOUT_MS, type StoreOpener } from './store-opener.ts'

export const redisOpener: StoreOpener = {
  isThere: () => true,
  exposures: () => [],
  open: async (url, { mayLoseAcknowledgedEvents, log }) => {
    const [{ Redis: Client }, { redis }] = await Promise.all([import('ioredis'), import('postern/redis')])
    const client = new Client(url, {
      lazyConnect: true,
      connectTimeout: CONNECT_TIMEOUT_MS,
      socketTimeout: SILENCE_TIMEOUT_MS,
      connectionName: 'postern',
      // What is under way when a connection breaks is rejected at once and never sent again: the store's answer to a
      // settle that was done before would be `lost`.
      maxRetriesPerRequest: 0,
    })
    await firstConnection(client)
    tellOfBreaks(client, log)
    const release = async (): Promise<void> => client.disconnect()
    return { store: redis(client, { mayLoseAcknowledgedEvents }), release }
  },
  clock: SERVER_CLOCK,
  howToSet: (name, value) => `CONFIG SET ${name} ${value}; CONFIG REWRITE`,
}

/** Rejects with the reason: the client itself says only that the connection is closed, and goes on trying. */
async function firstConnection(client: Redis): Promise<void> {
  let reason: unknown
  const note = (error: unknown): void => void (reason ??= error)
  client.on('error', note)
  try {
    await client.connect()
  } catch (error) {
    client.disconnect()
    throw reason ?? error
  } finally {
    client.off('error', note)
  }
  // The client warns of a wrong password, and goes on without: the first command is refused.
  if (reason !== undefined) {
    client.disconnect()
    throw reason
  }
}

/** One line when it breaks and one when it is back: the client tells of each attempt. */
function tellOfBreaks(client: Redis, log: Logger): void {
  let isBroken = false
  client.on('error', (error: Error) => {
    if (!isBroken) log.warn('the connection to the store broke', { reason: error.message })
    isBroken = true
  })
  client.on('ready', () => {
    if (isBroken) log.info('the connection to the store is back')
    isBroken = false
  })
}
