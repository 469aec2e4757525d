import { drizzle } from 'drizzle-orm/node-postgres'
import { pgTable, text } from 'drizzle-orm/pg-core'
import { Pool } from 'pg'
import { createPostern } from 'postern'
import { postgres } from 'postern/postgres'
import { vastai } from 'postern/providers'

const outbids = pgTable('outbid', { id: text().primaryKey(), subject: text().notNull() })
export const pool = new Pool({ connectionString: process.env.DATABASE_URL })
export const db = drizzle(pool)

export const postern = createPostern({
  store: postgres(pool),
  sources: { vastai: vastai({ secret: process.env.VASTAI_WEBHOOK_SECRET }) },
  handlers: (on) => [
    on('vastai', 'outbid', (event, { settleIn }) =>
      db.transaction(async (tx) => {
        await tx.insert(outbids).values({ id: event.id, subject: event.data.subject })
        await settleIn(tx)
      }),
    ),
  ],
})
