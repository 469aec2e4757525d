import { CONNECT_TIMEOUT_MS, SERVER_CLOCK, SILENCE_TIMEOUT_MS, type StoreOpener } from './store-opener.ts'

export const postgresOpener: StoreOpener = {
  isThere: () => true,
  exposures: () => [],
  open: async (url, { mayLoseAcknowledgedEvents, log }) => {
    const [{ Pool }, { postgres, SCHEMA_VERSION }] = await Promise.all([
      import('pg'),
      import('postern/postgres'),
    ])
    const pool = new Pool({
      connectionString: url,
      application_name: 'postern',
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: SILENCE_TIMEOUT_MS,
      // For connections that wait and ask nothing, such as the one for wake-ups.
      keepAlive: true,
    })
    // Without a listener a connection that breaks while nobody uses it ends the process.
    pool.on('error', (error) => log.warn('a connection to the store broke', { reason: error.message }))
    return {
      store: postgres(pool, { mayLoseAcknowledgedEvents }),
      readableVersion: SCHEMA_VERSION,
      release: () => pool.end().catch(() => {}),
    }
  },
  clock: SERVER_CLOCK,
  howToSet: (name, value) => `ALTER SYSTEM SET ${name} = '${value}'; SELECT pg_reload_conf()`,
}
