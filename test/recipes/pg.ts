import { Pool } from 'pg'
import { createPostern } from 'postern'
import { postgres } from 'postern/postgres'
import { vastai } from 'postern/providers'

export const pool = new Pool({ connectionString: process.env.DATABASE_URL })

export const postern = createPostern({
  store: postgres(pool),
  sources: { vastai: vastai({ secret: process.env.VASTAI_WEBHOOK_SECRET }) },
  handlers: (on) => [
    on('vastai', 'outbid', async (event, { settleIn }) => {
      const client = await pool.connect()
      try {
        await client.query('BEGIN')
        await client.query('INSERT INTO outbid (id, subject) VALUES ($1, $2)', [event.id, event.data.subject])
        await settleIn(client)
        await client.query('COMMIT')
      } catch (error) {
        await client.query('ROLLBACK').catch(() => {}) // the connection may be what failed
        throw error
      } finally {
        client.release()
      }
    }),
  ],
})
