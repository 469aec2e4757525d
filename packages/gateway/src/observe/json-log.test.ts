import type { Occurrence } from 'postern'
import { beforeEach, expect, test } from 'vitest'
import { JsonLog } from './json-log.ts'

let written: string
let log: JsonLog

beforeEach(() => {
  written = ''
  log = new JsonLog({
    write: (text) => void (written += text),
    level: 'info',
    ticker: { now: () => 0, after: () => () => {} },
  })
})

async function lines(): Promise<readonly Record<string, unknown>[]> {
  await log.flush()
  return written
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}

const accepted: Occurrence = {
  kind: 'accepted',
  source: 'vastai',
  outcome: 'stored',
  eventSeq: 1,
  id: 'evt_1',
  type: 'outbid',
  verifiedBy: 'vast-signature-256',
  secretIndex: 0,
  deliveries: 1,
  durationMs: 2,
}

test('an accepted event is one object on one line', async () => {
  log.observe(accepted)
  expect(await lines()).toEqual([
    expect.objectContaining({ level: 'info', msg: 'accepted', id: 'evt_1', eventSeq: 1 }),
  ])
})

test('a type that holds a log line stays inside its field', async () => {
  const type = 'x\n{"level":"info","msg":"forged"}'
  log.observe({ ...accepted, type })
  expect(await lines()).toEqual([expect.objectContaining({ msg: 'accepted', type })])
})

test('what a terminal would act on is escaped, and is the same text again once it is parsed', async () => {
  const type = 'a\u001b[2J\u009b31m\u202eb\u2028c'
  log.observe({ ...accepted, type })
  expect(await lines()).toEqual([expect.objectContaining({ type })])
  // oxlint-disable-next-line no-control-regex -- control characters are what this is about
  expect(written).not.toMatch(/[\u001b\u009b\u202e\u2028]/)
})

test('secrets among the fields are not written', async () => {
  log.log.info('started', {
    secret: 'hunter2',
    source: { secret: 'hunter2' },
    authorization: 'Bearer hunter2',
  })
  await log.flush()
  expect(written).not.toContain('hunter2')
  expect(written).toContain('[redacted]')
})

test('an error is written with its name, message and stack', async () => {
  log.log.error('it failed', { error: new TypeError('no') })
  expect(await lines()).toEqual([
    expect.objectContaining({
      level: 'error',
      err: expect.objectContaining({ type: 'TypeError', message: 'no' }),
    }),
  ])
})

test('of the fields of a client’s error only the code is written', async () => {
  const cause = Object.assign(new Error('WRONGPASS'), { command: { name: 'auth', args: ['hunter2'] } })
  const error = Object.assign(new Error('no', { cause }), {
    code: 'EAUTH',
    parameters: [Buffer.from('hunter2'), 'hunter2'],
  })
  log.log.error('it failed', { error })
  const err = {
    type: 'Error',
    message: 'no',
    code: 'EAUTH',
    cause: expect.objectContaining({ message: 'WRONGPASS' }),
  }
  expect(await lines()).toEqual([expect.objectContaining({ err: expect.objectContaining(err) })])
  expect(written).not.toContain('hunter2')
})

test('a refused request is told without its headers and body', async () => {
  const request = {
    method: 'POST',
    url: '/webhooks/vastai',
    headers: ['authorization', 'hunter2'],
    body: Buffer.from('hunter2'),
  }
  log.observe({ kind: 'rejected', source: 'vastai', reason: 'signature_mismatch', status: 401, request })
  expect(await lines()).toEqual([
    expect.objectContaining({ level: 'warn', reason: 'signature_mismatch', status: 401, bodyBytes: 7 }),
  ])
  expect(written).not.toContain('hunter2')
})

test('a flood of refused requests becomes one line a second', async () => {
  for (let index = 0; index < 5000; index += 1) {
    log.observe({ kind: 'rejected', source: '', reason: 'unknown_source', status: 404 })
  }
  const all = await lines()
  expect(all).toHaveLength(21)
  expect(all.at(-1)).toMatchObject({ counts: { unknown_source: 4980 } })
})

test.each([
  ['succeeded', 'info'],
  ['retry', 'warn'],
  ['dead', 'error'],
] as const)('an attempt that %s is of level %s', async (outcome, level) => {
  const { source, eventSeq, id, type } = accepted
  log.observe({
    kind: 'attempted',
    source,
    eventSeq,
    id,
    type,
    destination: 'handlers',
    attempt: 1,
    outcome,
    durationMs: 1,
  })
  expect(await lines()).toEqual([expect.objectContaining({ level, outcome })])
})
