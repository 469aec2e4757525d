// A client in a process of its own: many connections that each send a new event as soon as the last one is answered.
// What it was promised it writes to a file of its own, which has to lie outside whatever is being broken.
//
//   node load-client.mjs '{"port":1,"secret":"…","prefix":"…","connections":16,"goal":500,"sent":"…","acknowledged":"…"}'
//
// Says `{ kind: 'reached' }` once `goal` events are acknowledged, goes on, and ends when the server is gone.
import { appendFileSync } from 'node:fs'
import { SignedConnection } from './signed-connection.mjs'

const { port, secret, prefix, connections, goal, sent, acknowledged } = JSON.parse(process.argv[2])
let count = 0
let answers = 0

await Promise.all(Array.from({ length: connections }, send))
process.disconnect()

async function send() {
  const connection = await SignedConnection.open(port, secret)
  for (;;) {
    const id = `${prefix}_${(count += 1)}`
    appendFileSync(sent, `${id}\n`)
    const answer = await connection?.send(id)
    if (answer === undefined) return
    // Anything else is a refusal of a good request: with the power off that is right, before it is not.
    if (answer.status !== 200) continue
    appendFileSync(acknowledged, `${id}\n`)
    answers += 1
    if (answers === goal) process.send({ kind: 'reached' })
  }
}
