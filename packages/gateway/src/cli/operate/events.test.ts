import { describe, expect, test } from 'vitest'
import { operated, type Operated } from '../../../../../test/support/operated.ts'

const POST = { method: 'POST', headers: { 'content-type': 'application/json' } }

/** Two events, and a conflict with the first of them. */
async function withConflict(): Promise<Operated> {
  const gateway = await operated()
  await gateway.put({ id: 'a' }, { id: 'b', type: 'order.lost' })
  await gateway.put({ id: 'a', body: Buffer.from('{"n":"another"}') })
  return gateway
}

describe('what was recorded', () => {
  test('is listed newest first, by pages', async () => {
    const { cli } = await withConflict()
    const { code, out } = await cli('events', '--limit', '2')
    expect([code, out.split('\n')]).toEqual([
      0,
      [
        expect.stringMatching(/^EVENT +TIME +SOURCE +TYPE +BYTES +ID$/),
        expect.stringMatching(/^3 +20\d\d-\S+Z +shop +order\.paid +15 +a$/),
        expect.stringMatching(/^2 +20\d\d-\S+Z +shop +order\.lost +7 +b$/),
        '',
      ],
    ])
    expect((await cli('events', '--before', '2')).out).toMatch(/\n1 .* a\n$/)
  })

  test('is narrowed by source and type', async () => {
    const { cli } = await withConflict()
    const seqs = async (...flags: readonly string[]): Promise<readonly number[]> => {
      const { out } = await cli('events', '--json', ...flags)
      const listed = JSON.parse(out) as { readonly events: readonly { readonly eventSeq: number }[] }
      return listed.events.map(({ eventSeq }) => eventSeq)
    }
    expect(await seqs('--type', 'order.lost')).toEqual([2])
    expect(await seqs('--source', 'other')).toEqual([])
    expect(await seqs('--conflicts')).toEqual([3])
  })
})

describe('a conflict', () => {
  test('is listed as held until it is let go, and by then goes where it would have', async () => {
    const gateway = await withConflict()
    expect((await gateway.cli('events', '--conflicts')).out).toMatch(
      /^EVENT +TIME +SOURCE +TYPE +BYTES +LIKE +HELD +ID\n3 +\S+ +shop +order\.paid +15 +1 +yes +a\n$/,
    )
    expect(await gateway.cli('replay', '3')).toMatchObject({
      code: 0,
      out: 'event 3 is due again at billing: delivery 3\n',
    })
    expect((await gateway.cli('events', '--conflicts')).out).toMatch(/\n3 .* 1 +no +a\n$/)
    expect((await gateway.claim('billing')).map(({ event }) => event.eventSeq)).toEqual([1, 2, 3])
  })

  test('is told by the API', async () => {
    const { ask } = await withConflict()
    expect((await ask('/api/events?conflicts=true')).json).toEqual({
      events: [expect.objectContaining({ eventSeq: 3, conflictsWith: 1, held: true })],
    })
    await ask('/api/events/3/replay', POST)
    expect((await ask('/api/events?conflicts=true&source=shop')).json).toMatchObject({
      events: [{ held: false }],
    })
    expect((await ask('/api/events?conflicts=false')).json).toMatchObject({
      events: [{ eventSeq: 3 }, { eventSeq: 2 }, { eventSeq: 1 }],
    })
  })

  test.each([
    'conflicts=yes',
    'conflicts=',
    'conflicts=true&limit=101',
    'conflict=true',
    'conflicts=true&held=true',
  ])('is not asked for by ?%s', async (query) =>
    expect((await (await withConflict()).ask(`/api/events?${query}`)).status).toBe(400),
  )
})
