import { beforeEach, describe, expect, test, vi } from 'vitest'
import type { Reason, WebhookRequest } from '../core/index.ts'
import type { RejectedRequest } from '../inbox/index.ts'
import { memory } from '../stores/memory/index.ts'
import { RejectedRecorder } from './rejected-recorder.ts'

const KIB = 1024

let nowMs = 0
let warnings: unknown[][] = []

beforeEach(() => {
  nowMs = 5000
  warnings = []
})

describe.each<readonly [string, Reason, number]>([
  ['whose signature does not match', 'signature_mismatch', 20],
  ['without a signature', 'missing_header', 5],
])('a request %s', (_, reason, perSecond) => {
  test(`is recorded ten seconds' worth at once, and then ${perSecond} times a second`, () => {
    const { recorder, records } = aRecorder()
    noteMany(recorder, reason, 1000)
    expect(records).toHaveLength(perSecond * 10)
    nowMs += 1000
    noteMany(recorder, reason, 1000)
    expect(records).toHaveLength(perSecond * 11)
    // No more than ten seconds' worth are saved up.
    nowMs += 3_600_000
    noteMany(recorder, reason, 1000)
    expect(records).toHaveLength(perSecond * 21)
  })

  test('is recorded with its first 64 KiB and its length', () => {
    const { recorder, records } = aRecorder()
    const body = Buffer.alloc(100 * KIB, 'a')
    recorder.note('shop', reason, aRequest({ body }))
    expect(records).toMatchObject([{ source: 'shop', reason, bodyBytes: 100 * KIB }])
    expect(Buffer.compare(records[0]!.body, body.subarray(0, 64 * KIB))).toBe(0)
  })
})

test('junk uses up nothing of what carries a signature', () => {
  const { recorder, records } = aRecorder()
  noteMany(recorder, 'missing_header', 1000)
  const before = records.length
  recorder.note('shop', 'signature_mismatch', aRequest())
  expect(records).toHaveLength(before + 1)
})

test('what is authentic is kept whole, however often it comes', async () => {
  const { recorder, records } = aRecorder()
  const body = Buffer.alloc(100 * KIB, 'a')
  for (let count = 0; count < 500; count += 1) await recorder.keep('shop', 'stale', aRequest({ body }))
  expect(records).toHaveLength(500)
  expect(records.at(-1)).toMatchObject({ body, bodyBytes: 100 * KIB })
})

test.each(['Authorization', 'PROXY-AUTHORIZATION', 'cookie'])('%s is in no record', async (name) => {
  const { recorder, records } = aRecorder()
  const request = aRequest({ headers: ['X-One', '1', name, 'hunter2', 'X-Two', '2'] })
  recorder.note('shop', 'signature_mismatch', request)
  await recorder.keep('shop', 'stale', request)
  expect(records.map(({ headers }) => headers)).toEqual([
    ['X-One', '1', 'X-Two', '2'],
    ['X-One', '1', 'X-Two', '2'],
  ])
})

describe('a store that fails', () => {
  test('is a warning for all that come meanwhile, and again the next time', async () => {
    const { recorder, record } = aRecorder()
    record.mockRejectedValue(new Error('disk full'))
    noteMany(recorder, 'signature_mismatch', 3)
    await settled()
    expect(warnings).toMatchObject([
      ['refused requests could not be recorded', { error: new Error('disk full') }],
    ])
    record.mockResolvedValue(undefined)
    recorder.note('shop', 'signature_mismatch', aRequest())
    await settled()
    record.mockRejectedValue(new Error('disk full again'))
    noteMany(recorder, 'signature_mismatch', 3)
    await settled()
    expect(warnings).toHaveLength(2)
  })

  test('is told to whoever keeps what is authentic', async () => {
    const { recorder, record } = aRecorder()
    record.mockRejectedValue(new Error('disk full'))
    await expect(recorder.keep('shop', 'stale', aRequest())).rejects.toThrow('disk full')
  })
})

function aRecorder(): {
  readonly recorder: RejectedRecorder
  readonly records: readonly RejectedRequest[]
  readonly record: ReturnType<typeof vi.fn<(request: RejectedRequest) => Promise<void>>>
} {
  const { rejected } = memory()
  const records: RejectedRequest[] = []
  const record = vi.fn<(request: RejectedRequest) => Promise<void>>((request) => {
    records.push(request)
    return rejected.record(request)
  })
  const log = { debug() {}, info() {}, warn: (...line: unknown[]) => warnings.push(line), error() {} }
  const recorder = new RejectedRecorder({ rejected: { ...rejected, record } }, log, () => nowMs)
  return { recorder, records, record }
}

function noteMany(recorder: RejectedRecorder, reason: Reason, count: number): void {
  for (let each = 0; each < count; each += 1) recorder.note('shop', reason, aRequest())
}

function aRequest(change: Partial<WebhookRequest> = {}): WebhookRequest {
  return { method: 'POST', url: '/webhooks/shop', headers: [], body: Buffer.from('{}'), ...change }
}

function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
