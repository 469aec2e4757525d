// A client in a process of its own that sends every event many times, its copies close together and far apart, over
// several servers that come and go.
//
//   node duplicate-client.mjs '{"secret":"…","prefix":"…","ids":2000,"sends":20000,"connections":64,"seed":1}'
//
// Hears `{ ports }` from its parent, at the start and whenever they change. Says `{ kind: 'progress', sent }` every
// hundredth of the way, and at the end `{ kind: 'done', … }` with what it was answered.
import { seededRandom } from './seeded-random.mjs'
import { SignedConnection } from './signed-connection.mjs'

/** Copies within so many ids of the newest one race with the first copy's commit. */
const NEAR = 100
const RETRY_MS = 10
const { secret, prefix, ids, sends, connections, seed } = JSON.parse(process.argv[2])
const sendsPerId = Math.floor(sends / ids)
const progressEvery = Math.max(1, Math.floor(sends / 100))

const random = seededRandom(seed)
const acknowledged = new Uint8Array(ids)
const answers = { stored: 0, duplicates: 0, refused: 0, none: 0 }
let ports = []
let sent = 0
let newest = 0

process.on('message', (message) => (ports = message.ports))
await new Promise((resolve) => process.once('message', resolve))
await Promise.all(Array.from({ length: connections }, (_, index) => sendAll(index)))
process.send({ kind: 'done', sent, ...answers })
process.disconnect()

/** Its share of all sends, and then of what nobody has acknowledged yet. */
async function sendAll(index) {
  let connection = await connect(index)
  for (let next = nextIndex(index); next !== undefined; next = nextIndex(index)) {
    const answer = await connection.send(`${prefix}_${next}`)
    count(next, answer)
    if (answer === undefined) connection = await connect(index)
  }
  connection.close()
}

/** To whichever server is there. */
async function connect(index) {
  for (let turn = index; ; turn += 1) {
    const connection = await SignedConnection.open(ports[turn % ports.length], secret)
    if (connection) return connection
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
  }
}

/** Whom the next request is about; `undefined` where all is sent and acknowledged. */
function nextIndex(index) {
  if (sent < sends) {
    sent += 1
    if (sent % progressEvery === 0) process.send({ kind: 'progress', sent })
    if (newest < ids && sent % sendsPerId === 1 % sendsPerId) return (newest += 1) - 1
    const from = random() < 0.5 ? Math.max(0, newest - NEAR) : 0
    return from + Math.floor(random() * (newest - from))
  }
  for (let each = index; each < ids; each += connections) {
    if (acknowledged[each] === 1) continue
    sent += 1
    return each
  }
  return undefined
}

function count(index, answer) {
  if (answer === undefined) answers.none += 1
  else if (answer.status !== 200) answers.refused += 1
  else {
    acknowledged[index] = 1
    answers[answer.isDuplicate ? 'duplicates' : 'stored'] += 1
  }
}
