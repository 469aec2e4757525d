import { PosternError } from '../../core/index.ts'
import { CONNECT_MS, Ending, type Link } from './link.ts'

type Argument = string | Buffer | number

/** What is used of a client of `ioredis`. The store only makes connections of its own from it. */
export interface IoredisClient {
  readonly status: string
  duplicate(override?: Readonly<Record<string, unknown>>): IoredisClient
  connect(): Promise<unknown>
  callBuffer(...args: [command: string, ...args: Argument[]]): Promise<unknown>
  subscribe(channel: string): Promise<unknown>
  on(event: string, listener: (...values: unknown[]) => void): unknown
  disconnect(): void
}

/** What is used of a client of `ioredis` that knows a cluster. */
export interface IoredisCluster {
  readonly isCluster: boolean
  readonly status: string
  duplicate(nodes?: never[], override?: Readonly<Record<string, unknown>>): IoredisCluster
  connect(): Promise<unknown>
  callBuffer(...args: [command: string, ...args: Argument[]]): Promise<unknown>
  nodes(role: 'master'): readonly IoredisClient[]
  subscribe(channel: string): Promise<unknown>
  on(event: string, listener: (...values: unknown[]) => void): unknown
  disconnect(): void
}

/**
 * Ends with its first connection. Without `maxRetriesPerRequest: 0` what is under way would be sent again, or, where that is
 * forbidden by `autoResendUnfulfilledCommands: false`, never be answered (ioredis 6.0.0, issue 2193).
 */
const ONE_CONNECTION = {
  lazyConnect: true,
  retryStrategy: null,
  reconnectOnError: null,
  maxRetriesPerRequest: 0,
  autoResubscribe: false,
  enableOfflineQueue: false,
  enableAutoPipelining: false,
  enableReadyCheck: true,
  connectTimeout: CONNECT_MS,
  keyPrefix: '',
  stringNumbers: false,
} as const

/** Opens a connection like a client's. */
export async function openIoredis(client: IoredisClient): Promise<Link> {
  const own = client.duplicate(ONE_CONNECTION)
  const { onEnd, lastError } = watched(own)
  await opened(own, lastError)
  return {
    command: (_key, args) => send(own, args),
    everywhere: async (args) => [await send(own, args)],
    ...listening(own),
    onEnd,
    end: () => own.disconnect(),
  }
}

/** Opens connections like a cluster client's. */
export async function openIoredisCluster(client: IoredisCluster): Promise<Link> {
  const { lazyConnect, ...redisOptions } = ONE_CONNECTION
  const own = client.duplicate([], {
    lazyConnect,
    clusterRetryStrategy: null,
    enableOfflineQueue: false,
    enableAutoPipelining: false,
    scaleReads: 'master',
    retryDelayOnFailover: 0,
    redisOptions,
  })
  const { onEnd, lastError } = watched(own)
  await opened(own, lastError)
  return {
    command: (_key, args) => send(own, args),
    everywhere: (args) => Promise.all(own.nodes('master').map((node) => send(node, args))),
    ...listening(own),
    onEnd,
    end: () => own.disconnect(),
  }
}

type Either = Pick<IoredisClient, 'callBuffer' | 'connect' | 'disconnect' | 'on' | 'status' | 'subscribe'>

function send(
  own: Pick<Either, 'callBuffer'>,
  [command = '', ...args]: readonly (string | Buffer)[],
): Promise<unknown> {
  return own.callBuffer(String(command), ...args)
}

/** Where connecting fails the client rejects with no more than that the connection is closed; the reason is an event. */
async function opened(own: Either, lastError: () => unknown): Promise<void> {
  try {
    await own.connect()
  } catch (error) {
    own.disconnect()
    throw lastError() ?? error
  }
  if (own.status !== 'ready')
    throw new PosternError('store_unavailable', `Redis: the connection is ${own.status}`)
}

function watched(own: Either): Pick<Link, 'onEnd'> & { readonly lastError: () => unknown } {
  const ending = new Ending()
  let last: unknown
  // Without a listener ioredis prints errors; the verbs that wait are told.
  own.on('error', (error) => (last = error))
  own.on('close', () => ending.end())
  own.on('end', () => ending.end())
  return { onEnd: (listener) => ending.onEnd(listener), lastError: () => last }
}

function listening(own: Either): Pick<Link, 'subscribe'> {
  return {
    subscribe: async (channel, onMessage) => {
      own.on('message', (_channel, message) => onMessage(String(message)))
      await own.subscribe(channel)
    },
  }
}
