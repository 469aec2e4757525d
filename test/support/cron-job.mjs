// A job that runs what is due and is done: nothing but the inbox keeps this process alive.
//
//   node cron-job.mjs FOLDER SECRET
import { join } from 'node:path'
import { createPostern } from 'postern'
import { vastai } from 'postern/providers'
import { sqlite } from 'postern/sqlite'

const [folder, secret] = process.argv.slice(2)
const postern = createPostern({
  store: sqlite(join(folder, 'postern.db')),
  sources: { vastai: vastai({ secret }) },
  handlers: (on) => [on('vastai', '*', () => {})],
})
const attempts = await postern.drain()
await postern.stop()
console.log(`attempts: ${attempts}`)
