import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Occurrence } from 'postern'
import { providers } from 'postern/providers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isPrintable } from './escape.ts'
import { RejectedFiles } from './rejected-files.ts'
import { TerminalLog } from './terminal-log.ts'

let folder: string
let written: string
let log: TerminalLog

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'postern-log-'))
  written = ''
  log = new TerminalLog({
    write: (text) => void (written += text),
    ticker: { now: () => Date.UTC(2026, 0, 1), after: () => () => {} },
    paint: (_style, text) => text,
    rejectedFiles: new RejectedFiles({ folder, maxBytes: 1000 }),
    rejectedFolder: '.postern/rejected',
    providerOf: (source) => providers.find(({ name }) => name === source),
    urlOf: (source) => `http://localhost:3000/webhooks/${source}`,
  })
})
afterEach(() => rm(folder, { recursive: true }))

async function linesOf(...occurrences: readonly Occurrence[]): Promise<readonly string[]> {
  occurrences.forEach(log.observe)
  await log.flush()
  return written.trimEnd().split('\n')
}

const accepted: Extract<Occurrence, { kind: 'accepted' }> = {
  kind: 'accepted',
  source: 'vastai',
  outcome: 'stored',
  eventSeq: 7,
  id: 'evt_1',
  type: 'outbid',
  verifiedBy: 'vast-signature-256',
  secretIndex: 0,
  deliveries: 1,
  durationMs: 1.234,
}
const attempted: Extract<Occurrence, { kind: 'attempted' }> = {
  kind: 'attempted',
  source: 'vastai',
  eventSeq: 7,
  id: 'evt_1',
  type: 'outbid',
  destination: 'handlers',
  attempt: 1,
  outcome: 'succeeded',
  durationMs: 20.5,
}

function rejected(source: string, body: string, status = 401): Extract<Occurrence, { kind: 'rejected' }> {
  const request = { method: 'POST', url: '/', headers: [], body: Buffer.from(body) }
  return { kind: 'rejected', source, reason: 'missing_header', status, request }
}

test('an event is verified, stored and handled', async () => {
  const lines = await linesOf(accepted, attempted)
  expect(lines).toEqual([
    expect.stringMatching(/ vastai outbid verified by vast-signature-256, stored as #7 id evt_1, 1\.2 ms$/),
    expect.stringMatching(/ vastai outbid handled #7 21 ms$/),
  ])
})

test('duplicate, conflict, older secret and missing handler are told', async () => {
  const [duplicate, conflict, older, unhandled] = await linesOf(
    { ...accepted, outcome: 'duplicate' },
    { ...accepted, outcome: 'conflict' },
    { ...accepted, secretIndex: 1 },
    { ...accepted, deliveries: 0 },
  )
  expect(duplicate).toContain('duplicate of #7')
  expect(conflict).toContain('conflict')
  expect(older).toContain('with secret 2')
  expect(unhandled).toContain('no handler')
})

test('a failed attempt says why and when again', async () => {
  const error = new Error('upstream said\u001b[2J no')
  const [line, message] = await linesOf({ ...attempted, outcome: 'retry', retryAfterMs: 4200, error })
  expect(line).toContain('failed, again in 5 s #7')
  expect(message?.trim()).toBe('Error: upstream said\\u{1b}[2J no')
})

describe('a refused request', () => {
  test('is kept and followed by the line that would pass', async () => {
    const lines = await linesOf(rejected('castai', '{"type":"test","data":{}}'))
    expect(lines[0]).toMatch(/castai rejected 401 missing_header: /)
    expect(lines[2]?.trim()).toBe(
      'npx postern trigger castai test --data @.postern/rejected/000001.json --url http://localhost:3000/webhooks/castai',
    )
    expect(await readFile(join(folder, '000001.json'), 'utf8')).toBe('{"type":"test","data":{}}')
  })

  test('is looked for its secret where its provider has it', async () => {
    const without = (source: string, reason: 'missing_secret' | 'duplicate_secret'): Occurrence => ({
      ...rejected(source, '{}'),
      reason,
    })
    const told = async (occurrence: Occurrence): Promise<string> => {
      written = ''
      return (await linesOf(occurrence))[0]!
    }
    expect(await told(without('eventgrid', 'missing_secret'))).toMatch(/: its URL does not have the secret$/)
    expect(await told(without('eventgrid', 'duplicate_secret'))).toMatch(/: its URL has the secret twice$/)
    expect(await told(without('figma', 'missing_secret'))).toMatch(/: its body does not have the secret$/)
    expect(await told(without('nobody', 'duplicate_secret'))).toMatch(/: its body has .* twice$/)
  })

  test('that could not be read even if it were signed is said to be so', async () => {
    expect((await linesOf(rejected('castai', 'no JSON'))).join()).toContain('still be refused')
  })

  test('that would be kept although it cannot be read is followed by the line that would pass', async () => {
    const lines = await linesOf(rejected('castai-notifications', 'no JSON'))
    expect(lines[2]).toContain('trigger castai-notifications test --data @.postern/rejected/000001.json')
    expect(await readFile(join(folder, '000001.json'), 'utf8')).toBe('no JSON')
  })

  test('that is too long is not kept', async () => {
    expect(
      (await linesOf(rejected('castai', JSON.stringify('x'.repeat(2000)).replace(/.*/, '[$&]')))).join(),
    ).toContain('too long')
  })

  test('with another status gets no such line', async () => {
    expect(await linesOf(rejected('castai', '{}', 400))).toHaveLength(1)
  })
})

describe('what a sender wrote forges no line and moves no cursor', () => {
  const hostile = 'x\n10:00:00 vastai outbid verified\u001b[1A\u202e'

  test.each<[string, Occurrence]>([
    ['as a type', { ...accepted, type: hostile }],
    ['as an id', { ...accepted, id: hostile }],
    ['as the type of an attempt', { ...attempted, type: hostile }],
  ])('%s', async (_where, occurrence) => {
    expect(await linesOf(occurrence)).toHaveLength(1)
    expect(isPrintable(written.replaceAll('\n', ''))).toBe(true)
  })

  test('in the body of a refused request', async () => {
    const lines = await linesOf(rejected('castai', JSON.stringify({ type: hostile })))
    expect(lines).toHaveLength(3)
    expect(lines[2]).toContain('trigger castai test ')
    expect(isPrintable(written.replaceAll('\n', ''))).toBe(true)
  })

  test('in a field of a message', async () => {
    log.log.warn('something', { from: hostile })
    expect(await linesOf()).toHaveLength(1)
  })
})

test('above 20 in a second the rest is summed up', async () => {
  const lines = await linesOf(
    ...Array.from({ length: 45 }, () => [accepted, attempted]).flat(),
    rejected('castai', '{}'),
  )
  expect(lines.filter((line) => line.includes(' verified by '))).toHaveLength(20)
  expect(lines.filter((line) => line.includes(' handled #'))).toHaveLength(20)
  expect(lines.some((line) => line.includes('25 stored, 25 handled'))).toBe(true)
})

test('a refusal among many good requests is shown, with the line that would pass', async () => {
  const lines = await linesOf(...Array.from({ length: 45 }, () => accepted), rejected('castai', '{}'))
  expect(lines.filter((line) => line.includes('trigger castai'))).toHaveLength(1)
})
