/** Several nodes, and the secrets that handshakes bring to one of them. */
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import {
  answeringHandshakes,
  defineHmacSource,
  signRequest,
  type LogFields,
  type ReadKeptSecrets,
  type Secret,
  type SignatureScheme,
  type Source,
} from '../core/index.ts'
import { createPostern, type Postern } from '../postern.ts'
import { asana, asanaProvider, type AsanaOptions } from '../providers/asana.ts'
import { memory } from '../stores/memory/index.ts'

const SECRET = 'b537207f20cbfa02357cf448134da559'
const OTHER = 'a-secret-of-another-webhook'
const BODY = '{"events":[]}'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

interface Node {
  readonly postern: Postern
  /** Everything that was logged, as text. */
  readonly logged: () => string
  send(headers: Readonly<Record<string, string>>): Promise<number>
}

/** What the nodes share: a place that keeps a secret, and says what it has. */
interface Keeper {
  readonly secrets: string[]
  /** How often it was read. */
  reads: number
}

interface Wishes {
  readonly secret?: Secret
  readonly kept?: ReadKeptSecrets
  readonly keepMore?: boolean
  readonly make?: (options: AsanaOptions) => Source
}

function aKeeper(): Keeper {
  return { secrets: [], reads: 0 }
}

function aNode(keeper: Keeper, wishes: Wishes = {}): Node {
  const { secret, keepMore = false, make = asana } = wishes
  const kept = (): Secret | Promise<Secret> => {
    keeper.reads += 1
    return wishes.kept === undefined ? keeper.secrets : wishes.kept()
  }
  const keep = async (brought: string): Promise<void> => void keeper.secrets.push(brought)
  const lines: string[] = []
  const log = (message: string, fields?: LogFields): void => void lines.push(message + JSON.stringify(fields))
  const postern = createPostern({
    store: memory(),
    sources: { own: make({ secret, handshake: { keep, kept, keepMore } }), other: asana({ secret: OTHER }) },
    log: { debug: log, info: log, warn: log, error: log },
  })
  onTestFinished(() => postern.stop())
  const send = async (headers: Readonly<Record<string, string>>): Promise<number> => {
    const init = { method: 'POST', headers, body: BODY }
    return (await postern.fetch(new Request('http://localhost/webhooks/own', init))).status
  }
  return { postern, send, logged: () => lines.join('\n') }
}

const bringing = (secret: string): Readonly<Record<string, string>> => ({ 'x-hook-secret': secret })
const signedBy = (secret: string): Readonly<Record<string, string>> =>
  signRequest(asana({ secret }), { body: BODY, nowMs: 0 }).headers

/** Whatever was begun behind an answer. */
const settled = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0)

describe('a secret that another node has kept', () => {
  test('counts after the first request that it could have verified', async () => {
    const keeper = aKeeper()
    const [one, two] = [aNode(keeper), aNode(keeper)]
    expect(await one.send(bringing(SECRET))).toBe(200)
    expect(await one.send(signedBy(SECRET))).toBe(200)
    expect(await two.send(signedBy(SECRET))).toBe(503)
    await settled()
    expect(await two.send(signedBy(SECRET))).toBe(200)
    expect(two.logged()).toMatch(/kept elsewhere counts now.*"own"/)
    expect(two.logged()).not.toContain(SECRET)
  })

  test('counts beside those that the node has', async () => {
    const keeper = aKeeper()
    const [one, two] = [
      aNode(keeper, { secret: OTHER, keepMore: true }),
      aNode(keeper, { secret: OTHER, keepMore: true }),
    ]
    await one.send(bringing(SECRET))
    expect(await two.send(signedBy(SECRET))).toBe(401)
    await settled()
    for (const secret of [SECRET, OTHER]) expect(await two.send(signedBy(secret))).toBe(200)
    expect((await two.postern.metrics()).secrets.filter(({ source }) => source === 'own')).toHaveLength(2)
  })

  test('counts a second after a request that was refused before it was kept', async () => {
    const keeper = aKeeper()
    const [one, two] = [aNode(keeper), aNode(keeper)]
    expect(await two.send(signedBy(SECRET))).toBe(503)
    await settled()
    await one.send(bringing(SECRET))
    expect(await two.send(signedBy(SECRET))).toBe(503)
    await vi.advanceTimersByTimeAsync(1000)
    expect(await two.send(signedBy(SECRET))).toBe(200)
    expect(two.logged().split('counts now')).toHaveLength(2)
  })

  test('is not asked for by what its sender has signed, nor by what is no signature', async () => {
    const keeper = aKeeper()
    const node = aNode(keeper, { secret: SECRET })
    expect(await node.send(signedBy(SECRET))).toBe(200)
    expect(await node.send({})).toBe(401)
    expect(await node.send({ 'x-hook-signature': 'none' })).toBe(401)
    await vi.advanceTimersByTimeAsync(5000)
    expect(keeper.reads).toBe(0)
  })

  test('is asked for once a second, however many forged requests come', async () => {
    const keeper = aKeeper()
    const node = aNode(keeper, { secret: SECRET })
    for (let ms = 0; ms < 2500; ms += 10) {
      await Promise.all([node.send(signedBy('a forger')), node.send(signedBy('another'))])
      await vi.advanceTimersByTimeAsync(10)
    }
    expect(keeper.reads).toBe(3)
    await node.postern.stop()
    await vi.advanceTimersByTimeAsync(5000)
    expect(keeper.reads).toBe(3)
  })

  test('is waited for by no request that it does not verify', async () => {
    const keeper = aKeeper()
    const node = aNode(keeper, { secret: OTHER, kept: () => new Promise(() => {}) })
    expect(await node.send(signedBy(SECRET))).toBe(401)
    expect(await node.send(signedBy(OTHER))).toBe(200)
    expect(keeper.reads).toBe(1)
    await vi.advanceTimersByTimeAsync(2500)
    expect(node.logged()).toContain('could not be read')
  })

  test('counts once it can be read again', async () => {
    const keeper = aKeeper()
    let isDown = true
    const kept = async (): Promise<Secret> => {
      if (isDown) throw new Error('no vault')
      return SECRET
    }
    const node = aNode(keeper, { kept })
    expect(await node.send(signedBy(SECRET))).toBe(503)
    await settled()
    expect(node.logged()).toContain('could not be read')
    isDown = false
    await vi.advanceTimersByTimeAsync(1000)
    expect(await node.send(signedBy(SECRET))).toBe(503)
    await settled()
    expect(await node.send(signedBy(SECRET))).toBe(200)
  })

  test('counts beside blank ones, which are none, and those that can never work', async () => {
    const [scheme] = asanaProvider.schemes as [SignatureScheme]
    const schemes = [{ ...scheme, key: { as: 'utf8', minBytes: 30 } }] as const
    const keeper = aKeeper()
    const make = (options: AsanaOptions): Source =>
      answeringHandshakes(
        defineHmacSource({ ...asanaProvider, schemes }, { secret: options.secret }),
        options.handshake,
      )
    const node = aNode(keeper, { kept: () => ['', undefined, ' ', 'too short', SECRET], make })
    await node.send(signedBy(SECRET))
    await settled()
    expect(await node.send(signedBy(SECRET))).toBe(200)
    expect(await node.send(signedBy('too short'))).toBe(401)
    const { secrets } = await node.postern.metrics()
    expect(secrets.filter(({ source }) => source === 'own')).toHaveLength(1)
    expect(node.logged()).toContain('can never work')
    expect(node.logged()).not.toContain('too short')
  })
})

describe('a handshake where another node has a secret', () => {
  test('is refused: its own would not be the first', async () => {
    const keeper = aKeeper()
    const [one, two] = [aNode(keeper), aNode(keeper)]
    await one.send(bringing(SECRET))
    expect(await two.send(bringing(OTHER))).toBe(401)
    expect(keeper.secrets).toEqual([SECRET])
    expect(await two.send(signedBy(SECRET))).toBe(200)
    expect(await two.send(signedBy(OTHER))).toBe(401)
  })

  test('is refused for now where nobody can say so', async () => {
    const keeper = aKeeper()
    const node = aNode(keeper, { kept: () => Promise.reject(new Error('no vault')) })
    expect(await node.send(bringing(SECRET))).toBe(503)
    expect(keeper.secrets).toEqual([])
    expect(node.logged()).not.toContain(SECRET)
  })

  test('asks once a second, and one at a time', async () => {
    const keeper = aKeeper()
    const node = aNode(keeper, { kept: () => Promise.reject(new Error('no vault')) })
    for (let ms = 0; ms < 2500; ms += 10) {
      void node.send(bringing(SECRET))
      await vi.advanceTimersByTimeAsync(10)
    }
    expect(keeper.reads).toBe(3)
  })

  test('is taken without asking where the source says that further ones are', async () => {
    const keeper = aKeeper()
    const node = aNode(keeper, { secret: OTHER, keepMore: true, kept: () => new Promise(() => {}) })
    expect(await node.send(bringing(SECRET))).toBe(200)
    expect(keeper).toMatchObject({ secrets: [SECRET], reads: 0 })
  })
})
