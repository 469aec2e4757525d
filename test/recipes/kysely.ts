import { Kysely, PostgresDialect } from 'kysely'
import { Pool } from 'pg'
import { createPostern } from 'postern'
import { postgres } from 'postern/postgres'
import { vastai } from 'postern/providers'

interface Database {
  readonly outbid: { readonly id: string; readonly subject: string }
}

export const pool = new Pool({ connectionString: process.env.DATABASE_URL })
export const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) })

export const postern = createPostern({
  store: postgres(pool),
  sources: { vastai: vastai({ secret: process.env.VASTAI_WEBHOOK_SECRET }) },
  handlers: (on) => [
    on('vastai', 'outbid', (event, { settleIn }) =>
      db.transaction().execute(async (trx) => {
        await trx.insertInto('outbid').values({ id: event.id, subject: event.data.subject }).execute()
        await settleIn(trx)
      }),
    ),
  ],
})
