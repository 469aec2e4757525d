/** Two nodes over one PostgreSQL, which also keeps what handshakes bring: what one was brought, the other verifies by. */
import { Pool } from 'pg'
import { createPostern, signRequest, type Postern } from 'postern'
import { postgres } from 'postern/postgres'
import { asana } from 'postern/providers'
import { afterEach, beforeEach, describe, expect, inject, test, vi } from 'vitest'
import { createDatabase, type TestDatabase } from '../support/servers/database.ts'
import { leftOut } from '../support/servers/left-out.ts'

const SECRET = 'b537207f20cbfa02357cf448134da559'
const NODES = 2

describe.skipIf(leftOut().includes('postgres'))('of two nodes on one PostgreSQL', () => {
  let database: TestDatabase
  let pools: readonly Pool[] = []
  let nodes: readonly Postern[] = []
  /** How often each node has read what was kept. */
  let reads: number[] = []

  beforeEach(async () => {
    database = await createDatabase(inject('postgresUrl') ?? '')
    pools = Array.from({ length: NODES }, () => new Pool({ connectionString: database.url, max: 4 }))
    // One secret for each source: of two that are brought in the same moment the server refuses the second.
    await pools[0]!.query('CREATE TABLE kept (source text PRIMARY KEY, secret text NOT NULL)')
    reads = pools.map(() => 0)
    nodes = pools.map((pool, index) =>
      createPostern({
        store: postgres(pool),
        sources: {
          own: asana({
            handshake: {
              keep: async (secret) =>
                void (await pool.query('INSERT INTO kept VALUES ($1, $2)', ['own', secret])),
              kept: async () => {
                reads[index]! += 1
                const { rows } = await pool.query<{ secret: string }>('SELECT secret FROM kept')
                return rows.map((row) => row.secret)
              },
            },
          }),
        },
        log: { debug() {}, info() {}, warn() {}, error() {} },
      }),
    )
  })

  afterEach(async () => {
    await Promise.all(nodes.map((node) => node.stop()))
    await Promise.all(pools.map((pool) => pool.end()))
    await database.drop()
  })

  async function send(
    node: number,
    headers: Readonly<Record<string, string>>,
    body: string,
  ): Promise<number> {
    const request = new Request('http://localhost/webhooks/own', { method: 'POST', headers, body })
    return (await nodes[node]!.fetch(request)).status
  }
  const bring = (node: number, secret: string): Promise<number> => send(node, { 'x-hook-secret': secret }, '')
  const signed = (node: number, secret: string, body = '{"events":[]}'): Promise<number> =>
    send(node, signRequest(asana({ secret }), { body, nowMs: Date.now() }).headers, body)

  test('one verifies by what the other was brought, without a restart', async () => {
    // After this the next look is due in a second only.
    expect(await signed(1, SECRET)).toBe(503)
    expect(await bring(0, SECRET)).toBe(200)
    await vi.waitFor(async () => expect(await signed(1, SECRET)).toBe(200), { timeout: 10_000, interval: 20 })
    expect(await signed(0, SECRET)).toBe(200)
    expect(await nodes[0]!.metrics()).toMatchObject({ store: { events: 1 } })
    // The other has asked once, before it took its secret, and not again since.
    expect(reads[0]).toBe(1)
  })

  test('neither takes a secret where the other has one, nor when both are brought one at once', async () => {
    const answers = await Promise.all([bring(0, SECRET), bring(1, 'another-secret-of-a-stranger')])
    expect(answers.toSorted()).toEqual([200, expect.toSatisfy((status) => status === 401 || status === 503)])
    const taken = answers.indexOf(200)
    expect(await bring(1 - taken, 'a-third-secret-of-a-stranger')).toBe(401)
    const { rows } = await pools[0]!.query('SELECT secret FROM kept')
    expect(rows).toEqual([{ secret: [SECRET, 'another-secret-of-a-stranger'][taken] }])
  })

  test('neither asks the server for each of the requests that somebody forges', async () => {
    const startedMs = performance.now()
    for (let round = 0; round < 25; round += 1) {
      const forged = Array.from({ length: 20 }, (_, index) => signed(1, 'forged', `{"events":[${index}]}`))
      expect(new Set(await Promise.all(forged))).toEqual(new Set([503]))
    }
    const seconds = (performance.now() - startedMs) / 1000
    expect(reads[1]).toBeGreaterThan(0)
    expect(reads[1]).toBeLessThanOrEqual(Math.floor(seconds) + 1)
  })
})
