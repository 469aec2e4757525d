/**
 * Many copies of one event at once, over several openers of one file: recorded once, one effect. The long form, a million
 * sends, is `docs/proofs/duplicates.md`.
 */
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createPostern } from 'postern'
import { vastai } from 'postern/providers'
import { sqlite, type SqliteOptions } from 'postern/sqlite'
import { expect, onTestFinished, test } from 'vitest'
import { ChildServer } from '../support/child-server.mjs'
import { tempFolder } from '../support/inbox.ts'
import { makeEffectTable } from '../support/places/sqlite.mjs'
import { runProof } from '../support/proof.ts'
import { SECRET } from '../support/requests.ts'
import { SignedConnection } from '../support/signed-connection.mjs'
import { readStored } from '../support/stored.mjs'

const COPIES = 64
const ROUNDS = 10

/** Something that takes events from a file's senders, and lets go of the file. */
interface Opener {
  readonly port: number
  finish(): Promise<void>
}

test('64 copies of one event at once over two processes are one event, 63 duplicates and one effect', async () => {
  const file = join(tempFolder(), 'inbox.db')
  const openers = await Promise.all([startProcess(file), startProcess(file)])
  await expectOneOfEach(file, openers)
}, 60_000)

test.for([
  ['that share a writer', 'thread'],
  ['with a writer each', 'inline'],
] as const)(
  '64 copies of one event at once over two openers in one process %s are one event, 63 duplicates and one effect',
  async ([, second]) => {
    const file = join(tempFolder(), 'inbox.db')
    makeEffectTable(file)
    const openers = await Promise.all([startHere(file, 'thread'), startHere(file, second)])
    await expectOneOfEach(file, openers)
  },
)

interface Duplicates {
  readonly events: number
  readonly eventIds: number
  readonly effects: number
  readonly idsWithOneEffect: number
  readonly sent: number
  readonly stored: number
  readonly duplicates: number
  readonly refused: number
  readonly none: number
}

test('20,000 sends of 2,000 events over two processes, three of which are killed, leave 2,000 events and 2,000 effects', async () => {
  const found = await runProof<Duplicates>('duplicates', '--ids', '2000', '--sends', '20000', '--kills', '3')
  expect(found).toMatchObject({
    events: 2000,
    eventIds: 2000,
    altered: 0,
    effects: 2000,
    idsWithOneEffect: 2000,
    integrity: 'ok',
  })
  const { sent, stored, duplicates, refused, none } = found as Duplicates
  expect(sent).toBeGreaterThanOrEqual(20_000)
  expect(stored + duplicates + refused + none).toBe(sent)
  // Else no kill interrupted a request.
  expect(none).toBeGreaterThan(0)
}, 240_000)

/** Several events one after the other, all copies of one at the same moment. */
async function expectOneOfEach(file: string, openers: readonly Opener[]): Promise<void> {
  const connections = await Promise.all(
    Array.from({ length: COPIES }, (_, index) => connect(openers[index % openers.length])),
  )
  const ids = Array.from({ length: ROUNDS }, (_, round) => `evt_${round}`)
  for (const id of ids) {
    const answers = await Promise.all(connections.map((connection) => connection.send(id)))
    expect(answers.map((answer) => answer?.status)).toEqual(Array.from({ length: COPIES }, () => 200))
    expect(answers.filter((answer) => answer?.isDuplicate)).toHaveLength(COPIES - 1)
  }
  for (const connection of connections) connection.close()
  for (const opener of openers) await opener.finish()
  const stored = await readStored(file)
  expect(stored.ids.toSorted()).toEqual(ids)
  expect(ids.map((id) => stored.effects.get(id))).toEqual(ids.map(() => 1))
}

async function connect(opener: Opener | undefined): Promise<SignedConnection> {
  const connection = await SignedConnection.open(opener?.port ?? 0, SECRET)
  if (connection === undefined) throw new Error('nobody listens')
  return connection
}

async function startProcess(file: string): Promise<Opener> {
  const server = await ChildServer.start({ place: file, secret: SECRET })
  onTestFinished(() => server.kill())
  return server
}

async function startHere(file: string, writer: Required<SqliteOptions>['writer']): Promise<Opener> {
  const postern = createPostern({
    store: sqlite(file, { writer }),
    sources: { vastai: vastai({ secret: SECRET }) },
    handlers: (on) => [
      on('vastai', '*', (event, { tx, attempt }) => {
        tx({ sql: 'INSERT INTO effect (id, attempt) VALUES (?, ?)', params: [event.id, attempt] })
      }),
    ],
  })
  const server = createServer((request, response) => void postern.node(request, response))
  await postern.start()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const finish = async (): Promise<void> => {
    await postern.drain()
    await postern.stop()
    server.close()
    server.closeAllConnections()
  }
  onTestFinished(() => postern.stop())
  return { port: (server.address() as AddressInfo).port, finish }
}
