import { Pool } from 'pg'
import { createPostern } from 'postern'
import { postgres } from 'postern/postgres'
import { vastai } from 'postern/providers'
import { DataSource, EntitySchema } from 'typeorm'

const Outbid = new EntitySchema<{ id: string; subject: string }>({
  name: 'outbid',
  columns: { id: { type: 'text', primary: true }, subject: { type: 'text' } },
})
export const pool = new Pool({ connectionString: process.env.DATABASE_URL })
export const db = new DataSource({
  type: 'postgres',
  url: process.env.DATABASE_URL ?? '',
  entities: [Outbid],
})

export const postern = createPostern({
  store: postgres(pool),
  sources: { vastai: vastai({ secret: process.env.VASTAI_WEBHOOK_SECRET }) },
  handlers: (on) => [
    on('vastai', 'outbid', (event, { settleIn }) =>
      db.transaction(async (manager) => {
        await manager.insert(Outbid, { id: event.id, subject: event.data.subject })
        await settleIn(manager)
      }),
    ),
  ],
})
await db.initialize()
