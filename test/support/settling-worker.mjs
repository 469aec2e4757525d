// A worker to be killed, by its own hand and at a point of its choice. Started by `settle-in.test.ts`.
//
//   node settling-worker.mjs DATABASE_URL OFFSET_MS settleIn|apart [POINT RUNS]
//
// It works off what is due. At the RUNS-th time that a handler comes to POINT it is gone, and with it whatever else was
// running. `apart` leaves the settling to the worker, after the commit: the fault that the test must find.
import { Pool } from 'pg'
import { createPostern } from 'postern'
import { postgres } from 'postern/postgres'
import { vastai } from 'postern/providers'

const [url, offsetMs, mode, point, runs] = process.argv.slice(2)
const pool = new Pool({ connectionString: url, max: 20 })
let left = Number(runs)

const postern = createPostern({
  store: postgres(pool, { offsetMs: () => Number(offsetMs) }),
  sources: { vastai: vastai({ secret: 'whsec_3f9c2b7d51e84a06b9d0c4e7' }) },
  handlers: (on) => [on('vastai', '*', record)],
  retry: { attempts: 1000 },
  worker: { concurrency: 8 },
})
await postern.drain()
await postern.stop()
await pool.end()

async function record(event, { settleIn }) {
  const client = await pool.connect()
  try {
    await client.query('BEGIN')
    await client.query('INSERT INTO effect (id) VALUES ($1)', [event.id])
    come('after the effect')
    if (mode === 'settleIn') await settleIn(client)
    come('before the commit')
    const committed = client.query('COMMIT')
    if (point === 'during the commit') await new Promise((resolve) => setImmediate(resolve))
    come('during the commit')
    await committed
    come('after the commit')
  } finally {
    client.release()
  }
}

function come(to) {
  if (to !== point) return
  left -= 1
  if (left === 0) process.kill(process.pid, 'SIGKILL')
}
