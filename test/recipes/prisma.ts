import { PrismaPg } from '@prisma/adapter-pg'
import { Pool } from 'pg'
import { createPostern } from 'postern'
import { postgres } from 'postern/postgres'
import { vastai } from 'postern/providers'
import { PrismaClient } from './prisma/generated/client.ts'

export const pool = new Pool({ connectionString: process.env.DATABASE_URL })
export const prisma = new PrismaClient({ adapter: new PrismaPg(pool) })

export const postern = createPostern({
  store: postgres(pool),
  sources: { vastai: vastai({ secret: process.env.VASTAI_WEBHOOK_SECRET }) },
  handlers: (on) => [
    on('vastai', 'outbid', (event, { settleIn }) =>
      prisma.$transaction(async (tx) => {
        await tx.outbid.create({ data: { id: event.id, subject: event.data.subject } })
        await settleIn(tx)
      }),
    ),
  ],
})
