/**
 * `kill -9` under load. It proves that nothing is acknowledged before it has left the process; it cannot see a missing
 * fsync, since the page cache outlives the process: for that the power has to be cut.
 */
import { expect, test } from 'vitest'
import { tempFolder } from '../support/inbox.ts'
import { Client, inspect, readHandled, Victim } from '../support/kill-harness.ts'

const CYCLES = 20

test('after 20 kills under load every acknowledged event is stored once, byte-exact, and handled', async () => {
  const folder = tempFolder()
  const client = new Client()
  for (let cycle = 0; cycle < CYCLES; cycle += 1) {
    // Uneven, so that the kills fall on different moments of commit, checkpoint and settle.
    await client.loadUntilKilled(await Victim.start(folder), 50 + 37 * cycle)
  }
  await (await Victim.start(folder)).finish()

  const { unacknowledged, ...wrong } = await inspect(folder, client)
  expect(wrong).toEqual({ lost: [], altered: [], doubled: [], invented: [], unhandled: [] })
  expect(client.acknowledged.size).toBeGreaterThanOrEqual(CYCLES * 50)
  console.info(
    `${CYCLES} kills: ${client.acknowledged.size} acknowledged, 0 lost; ${unacknowledged.length} stored without an answer, which is legal`,
  )
}, 180_000)

test('an event killed between its commit and its answer is there after the restart; its retry is a duplicate, and it is handled', async () => {
  const folder = tempFolder()
  const client = new Client()
  const silent = await Victim.start(folder, 'silent')
  const answered = client.send(silent.port, undefined, 'evt_unanswered')
  expect(await silent.committed()).toEqual(['evt_unanswered'])
  await silent.kill()
  expect(await answered).toBe(false)
  expect(await inspect(folder, client)).toMatchObject({ unacknowledged: ['evt_unanswered'] })

  const restarted = await Victim.start(folder)
  expect(await client.send(restarted.port, undefined, 'evt_unanswered')).toBe(true)
  await restarted.finish()
  expect([...client.acknowledged]).toEqual(['evt_unanswered'])
  const nothing = { lost: [], altered: [], doubled: [], invented: [], unhandled: [], unacknowledged: [] }
  expect(await inspect(folder, client)).toEqual(nothing)
  expect(new Set(readHandled(folder))).toEqual(new Set(['evt_unanswered']))
})

test('negative control: a server that answers before its commit is found out', async () => {
  const folder = tempFolder()
  const client = new Client()
  for (let cycle = 0; cycle < 2; cycle += 1) {
    await client.loadUntilKilled(await Victim.start(folder, 'early-ack'), 100)
  }
  await (await Victim.start(folder)).finish()
  const { lost } = await inspect(folder, client)
  expect(lost.length).toBeGreaterThan(0)
  console.info(
    `a server that answers early lost ${lost.length} of ${client.acknowledged.size} acknowledged events`,
  )
}, 60_000)
