import { describe, expect, test } from 'vitest'
import { operated, type Operated } from '../../../../../test/support/operated.ts'

const DEAD = { kind: 'dead', error: 'no' } as const

describe('what cannot be done says why, what to do next, and exits 1', () => {
  test.each([
    [
      'redrive',
      'pending',
      'delivery 1 is pending, and only what is dead can be redriven. It will be tried when',
    ],
    ['redrive', 'leased', 'delivery 1 is leased, and only what is dead can be redriven. It is being run now'],
    [
      'cancel',
      'dead',
      'delivery 1 is dead, and only what is pending can be cancelled. To give it up: postern discard 1',
    ],
    [
      'cancel',
      'succeeded',
      'delivery 1 is succeeded, and only what is pending can be cancelled. There is nothing',
    ],
    [
      'discard',
      'pending',
      'delivery 1 is pending, and only what is dead can be discarded. To take it back: postern cancel 1',
    ],
  ] as const)('%s of one that is %s', async (verb, state, told) => {
    const { put, claim, settle, cli } = await operated()
    await put({})
    if (state === 'leased') await claim('billing')
    if (state === 'dead') await settle('billing', DEAD)
    if (state === 'succeeded') await settle('billing', { kind: 'succeeded' })
    const { code, out, err } = await cli(verb, '1')
    expect([code, out]).toEqual([1, ''])
    expect(err).toContain(`error: ${told}`)
  })

  test.each(['redrive', 'cancel', 'discard'])('%s of a delivery that is not there', async (verb) => {
    const { put, cli } = await operated()
    await put({})
    expect(await cli(verb, '99')).toMatchObject({
      code: 1,
      err: "error: there is no delivery 99. 'postern dead' lists what was given up, with its numbers\n",
    })
  })

  test.each(['redrive', 'cancel', 'discard', 'pause', 'resume', 'dead'])(
    '%s of a destination that is not there, with those that are',
    async (verb) => {
      const { put, cli } = await operated({ handlers: (on) => [on('shop', 'x', () => {})] })
      await put({ destinations: ['left-behind'] })
      expect(await cli(verb, 'nosuch')).toEqual({
        code: 1,
        out: '',
        err: "error: there is no destination 'nosuch'; there are: billing, handlers, left-behind\n",
      })
    },
  )

  test('pause of handlers in the process', async () => {
    const { cli } = await operated({ handlers: (on) => [on('shop', 'x', () => {})] })
    expect(await cli('pause', 'handlers')).toMatchObject({
      code: 1,
      err: "error: only what is sent on over HTTP can be paused, which 'handlers' is not; these are: billing\n",
    })
  })
})

test('nothing to do is no failure, where the destination is there', async () => {
  const { cli } = await operated()
  expect(await cli('redrive', 'billing')).toMatchObject({ code: 0, out: 'nothing of billing is dead\n' })
  expect(await cli('cancel', 'billing')).toMatchObject({ code: 0, out: 'nothing of billing is pending\n' })
  expect(await cli('dead', 'billing')).toMatchObject({ code: 0, err: '' })
})

test('destinations lists what is configured and has nothing to do yet', async () => {
  const { cli } = await operated({ handlers: (on) => [on('shop', 'x', () => {}, { name: 'audit' })] })
  expect((await cli('destinations')).out).toMatch(/^audit +- +0 +- +0 +- +handlers in the process$/m)
})

test('--json answers what the API does', async () => {
  const { put, settle, cli } = await operated()
  await put({ id: 'a' }, { id: 'b' })
  await settle('billing', DEAD)
  const json = async (...args: readonly string[]): Promise<unknown> =>
    JSON.parse((await cli(...args, '--json')).out) as unknown
  expect(await json('redrive', '1')).toEqual({ result: 'moved' })
  expect(await json('redrive', 'billing')).toEqual({ moved: 1, left: 0 })
  expect(await json('pause', 'billing')).toMatchObject({ name: 'billing', state: 'paused' })
  expect(await json('resume', 'billing')).toMatchObject({ name: 'billing', state: 'open' })
})

describe('a dead one whose successors have run', () => {
  async function overtaken(): Promise<Operated> {
    const gateway = await operated()
    const ordered = { orderingKey: 'k', onDead: 'continue' } as const
    await gateway.put({ ...ordered, id: 'a' })
    await gateway.settle('billing', DEAD)
    await gateway.put({ ...ordered, id: 'b' })
    await gateway.settle('billing', { kind: 'succeeded' })
    return gateway
  }

  test('is not redriven unless forced', async () => {
    const { store, cli } = await overtaken()
    expect(await cli('redrive', '1')).toEqual({
      code: 1,
      out: '',
      err:
        'error: later deliveries of its key have run since delivery 1 was given up: redriven now, it would run out of order. ' +
        'To run it all the same: postern redrive 1 --force; to give it up: postern discard 1\n',
    })
    expect((await store.get(1))?.deliveries).toMatchObject([{ state: 'dead' }])
    expect(await cli('redrive', '1', '--force')).toMatchObject({
      code: 0,
      out: 'delivery 1 is pending again\n',
    })
    expect((await store.get(1))?.deliveries).toMatchObject([{ state: 'pending' }])
  })

  test('is left, of a whole destination, unless forced', async () => {
    const { store, cli } = await overtaken()
    expect(await cli('redrive', 'billing')).toEqual({
      code: 1,
      out: '0 of billing are pending again; 1 could not be, since later ones of their key have run; with --force they run out of order\n',
      err: '',
    })
    expect(await cli('redrive', 'billing', '--force', '--json')).toMatchObject({
      code: 0,
      out: '{"moved":1,"left":0}\n',
    })
    expect((await store.get(1))?.deliveries).toMatchObject([{ state: 'pending' }])
  })

  test('is forced by the API only in so many words', async () => {
    const { ask } = await overtaken()
    const post = { method: 'POST', headers: { 'content-type': 'application/json' } }
    const statusOf = async (path: string): Promise<number> => (await ask(path, post)).status
    expect(await statusOf('/api/deliveries/1/redrive')).toBe(409)
    expect(await statusOf('/api/deliveries/1/redrive?force=false')).toBe(409)
    expect(await statusOf('/api/deliveries/1/redrive?force=1')).toBe(400)
    expect(await statusOf('/api/deliveries/1/redrive?Force=true')).toBe(400)
    expect(await statusOf('/api/deliveries/1/discard?force=true')).toBe(400)
    expect(await statusOf('/api/destinations/billing/discard?force=true')).toBe(400)
    expect(await statusOf('/api/deliveries/1/redrive?force=true')).toBe(200)
  })

  test('is forced by nothing but redrive', async () => {
    const { cli } = await overtaken()
    expect((await cli('discard', '1', '--force')).code).toBe(2)
  })
})
