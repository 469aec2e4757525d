/**
 * A handler that computes holds up its process's event loop, and with it the worker's heartbeat. The store's thread keeps
 * its lease for as long as a handler may take, and no longer.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sqlite } from 'postern/sqlite'
import { expect, onTestFinished, test, vi } from 'vitest'
import { endWithThisProcess } from '../support/child-server.mjs'
import { tempFolder } from '../support/inbox.ts'
import { orderedEvent } from '../support/ordered-event.mjs'

const SCRIPT = fileURLToPath(new URL('../support/blocking-worker.mjs', import.meta.url))
/** Long enough for a busy machine to give the store's thread its turn within two thirds of it. */
const LEASE_MS = 600

interface Told {
  readonly kind: 'began' | 'ended' | 'settled' | 'ready'
  readonly pid: number
  readonly attempt?: number
  readonly ns?: string
  readonly outcome?: string
}

test('a handler that blocks the event loop for five leases does not lose its own to another process', async () => {
  const told = await runIn({ blockMs: 5 * LEASE_MS, handlerTimeoutMs: 60_000 })
  await vi.waitFor(() => expect(told.some(({ kind }) => kind === 'settled')).toBe(true), { timeout: 20_000 })
  expect(told.map(({ kind }) => kind)).toEqual(['began', 'ended', 'settled'])
  expect(told.at(-1)).toMatchObject({ outcome: 'succeeded' })
})

test('one that blocks it for longer than a handler may take loses it to another process, and changes nothing', async () => {
  const told = await runIn({ blockMs: 8000, handlerTimeoutMs: 2500 })
  await vi.waitFor(() => expect(told.filter(({ kind }) => kind === 'began')).toHaveLength(2), {
    timeout: 20_000,
  })
  const [first, second] = told
  expect(second).toMatchObject({ kind: 'began', attempt: 2 })
  expect(second?.pid).not.toBe(first?.pid)
  // Not at the end of its first lease; the claim came somewhat before the run.
  expect(Number(BigInt(second?.ns ?? 0) - BigInt(first?.ns ?? 0)) / 1e6).toBeGreaterThan(1800)
  // What the first has to say when it wakes is too late.
  await vi.waitFor(() => expect(settledBy(told, first?.pid)).toEqual(['lost']), { timeout: 20_000 })
})

function settledBy(told: readonly Told[], pid: number | undefined): readonly (string | undefined)[] {
  return told.filter((each) => each.kind === 'settled' && each.pid === pid).map(({ outcome }) => outcome)
}

/** One event in a file, two workers on it; answers what they tell, as it comes. */
async function runIn(options: {
  readonly blockMs: number
  readonly handlerTimeoutMs: number
}): Promise<readonly Told[]> {
  const file = join(tempFolder(), 'inbox.db')
  const store = sqlite(file)
  await store.put([orderedEvent('evt_1', 'key_1')])
  await store.close()
  const told: Told[] = []
  for (let count = 0; count < 2; count += 1) await startWorker({ file, leaseMs: LEASE_MS, ...options }, told)
  return told
}

/** Starts one and waits until it has: the first has begun its handler by the time that the second is there. */
async function startWorker(options: object, told: Told[]): Promise<void> {
  const child = fork(SCRIPT, [JSON.stringify(options)], { execArgv: [] })
  endWithThisProcess(child)
  onTestFinished(() => ended(child))
  await new Promise<void>((resolve, reject) => {
    child.on('exit', (code) => reject(new Error(`a worker ended with ${code}`)))
    child.on('message', (message: Told) => (message.kind === 'ready' ? resolve() : void told.push(message)))
  })
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const over = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await over
}
