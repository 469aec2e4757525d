/** A process that dies while it handles: its work is another's within the lease and a second, and a deadly event ends as a dead letter. */
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { ChildServer, type ServerOptions } from '../support/child-server.mjs'
import { tempFolder } from '../support/inbox.ts'
import { SECRET } from '../support/requests.ts'
import { SignedConnection } from '../support/signed-connection.mjs'
import { readStored } from '../support/stored.mjs'

const LEASE_MS = 2000
const ATTEMPTS = 3

test('what a killed process held is handled by another one within the lease plus one second', async () => {
  const file = join(tempFolder(), 'inbox.db')
  const options = { leaseMs: LEASE_MS, reportsHandling: true }
  const doomed = await start(file, options)
  const [handling] = await Promise.all([doomed.nextHandling(), send(doomed, ['hangs_1'])])
  expect(handling).toMatchObject({ id: 'hangs_1', attempt: 1 })
  const other = await start(file, options)
  const taken = other.nextHandling()
  const killedAtMs = Date.now()
  await doomed.kill()

  const { id, attempt, atMs } = await taken
  expect({ id, attempt }).toEqual({ id: 'hangs_1', attempt: 2 })
  expect(atMs - killedAtMs).toBeLessThan(LEASE_MS + 1000)
})

test.for(['exits', 'killed'])(
  'an event whose handler ends the process (%s) is a dead letter after its attempts and one alone, and its neighbours are handled',
  { timeout: 60_000 },
  async (deadly) => {
    const file = join(tempFolder(), 'inbox.db')
    const neighbours = Array.from({ length: 20 }, (_, index) => `evt_${index}`)
    // Stored first, so that one claim takes them all.
    const receiver = await start(file, { startsWorker: false })
    await send(receiver, [...neighbours.slice(0, 10), `${deadly}_1`, ...neighbours.slice(10)])
    await receiver.kill()

    const deaths = await restartUntilDone(file)
    const { dead, succeeded, effects } = await readStored(file)
    expect(dead).toEqual([`${deadly}_1`])
    expect(succeeded.toSorted()).toEqual(neighbours.toSorted())
    expect(neighbours.map((id) => effects.get(id))).toEqual(neighbours.map(() => 1))
    expect(deaths).toBe(ATTEMPTS + 1)
  },
)

/** A supervisor: starts the server again each time that it dies; answers how often. */
async function restartUntilDone(file: string): Promise<number> {
  for (let deaths = 0; ; deaths += 1) {
    const finished = await finishOrDie(file)
    if (finished) return deaths
    if (deaths > 10 * ATTEMPTS) throw new Error('it loops')
  }
}

async function finishOrDie(file: string): Promise<boolean> {
  try {
    const server = await start(file, { leaseMs: 200, retry: { attempts: ATTEMPTS } })
    await server.finish()
    return true
  } catch (error) {
    if (error instanceof Error && error.message.includes('before it said')) return false
    throw error
  }
}

async function start(file: string, options: Partial<ServerOptions>): Promise<ChildServer> {
  const server = await ChildServer.start({ place: file, secret: SECRET, ...options })
  onTestFinished(() => server.kill())
  return server
}

async function send(server: ChildServer, ids: readonly string[]): Promise<void> {
  const connection = await SignedConnection.open(server.port, SECRET)
  for (const id of ids) expect(await connection?.send(id)).toEqual({ status: 200, isDuplicate: false })
  connection?.close()
}
