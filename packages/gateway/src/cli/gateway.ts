import type { AddressInfo } from 'node:net'
import { createPostern, type Postern, type Sources } from 'postern'
import { sqlite, type SqliteStore } from 'postern/sqlite'
import { AdminServer } from '../admin/admin-server.ts'
import { isLoopback } from '../config/address.ts'
import type { GatewayConfig } from '../config/define-config.ts'
import { ConfigError, messageOf } from '../config/problem.ts'
import type { Reporter } from '../observe/reporter.ts'
import type { HttpLimits } from './http-limits.ts'
import { PublicServer } from './server.ts'
import type { AdminSettings, Settings } from './settings.ts'

export interface GatewayParts {
  readonly settings: Settings
  /** With every source able to verify. */
  readonly config: GatewayConfig
  readonly reporter: Reporter
  readonly limits?: Partial<HttpLimits>
}

/** A gateway that takes requests. */
export interface RunningGateway {
  readonly port: number
  /** Where the operator's listener is; `undefined` where there is none. */
  readonly adminUrl: string | undefined
  /** Answers what has come, finishes or gives back what runs, and closes the store. */
  stop(): Promise<void>
  /** Takes no more requests and does nothing else: for a process that cannot be trusted any longer. */
  stopAccepting(): Promise<void>
}

export const DEFAULT_PREFIX = '/webhooks'

/** Together they keep a stop under the 10 s after which process managers kill. */
const ANNOUNCE_MS = 500
const HTTP_GRACE_MS = 5000
const WORKER_GRACE_MS = 4000
const FATAL_GRACE_MS = 2000

/** Opens the store and starts to listen and to work. Leaves nothing open where it rejects. */
export async function startGateway(parts: GatewayParts): Promise<RunningGateway> {
  const { settings, config, reporter } = parts
  const store = await openStore(settings.store.path)
  const postern = await createInbox(config, store, reporter)
  const server = new PublicServer({
    postern,
    maxBodyBytesAt: bodyLimits(config.sources, config.prefix ?? DEFAULT_PREFIX),
    ...(parts.limits && { limits: parts.limits }),
  })
  try {
    const { port } = await listen(server, settings)
    const admin = settings.admin && (await openAdmin(settings.admin, store, reporter))
    await postern.start()
    return {
      port,
      adminUrl: admin?.url,
      stopAccepting: () => server.drain({ announceMs: 0, graceMs: FATAL_GRACE_MS }),
      stop: async () => {
        await server.drain({ announceMs: ANNOUNCE_MS, graceMs: HTTP_GRACE_MS })
        await postern.stop({ graceMs: WORKER_GRACE_MS })
        await admin?.server.close()
      },
    }
  } catch (error) {
    await server.drain({ announceMs: 0, graceMs: 0 })
    await postern.stop({ graceMs: 0 })
    throw error
  }
}

/** The first answer of the store tells whether it can be opened. */
async function openStore(path: string): Promise<SqliteStore> {
  let store: SqliteStore | undefined
  try {
    store = sqlite(path)
    await store.stat()
    return store
  } catch (error) {
    await store?.close().catch(() => {})
    throw new ConfigError([{ path: 'POSTERN_STORE', message: `${path} cannot be used: ${messageOf(error)}` }])
  }
}

async function createInbox(config: GatewayConfig, store: SqliteStore, reporter: Reporter): Promise<Postern> {
  try {
    return createPostern({ ...config, store, log: reporter.log, observe: reporter.observe })
  } catch (error) {
    await store.close()
    throw error
  }
}

/** The prefix and sources are fixed, so that the limit of a path is looked up and not computed. */
function bodyLimits(sources: Sources, prefix: string): (path: string) => number | undefined {
  const limits = new Map(
    Object.entries(sources).map(([name, source]) => [`${prefix}/${name}`, source.maxBodyBytes]),
  )
  return (path) => limits.get(path)
}

async function listen(server: PublicServer, { listen: address }: Settings): Promise<AddressInfo> {
  try {
    return await server.listen(address)
  } catch (error) {
    throw new ConfigError([{ path: 'PORT', message: listenMessage(error, address.host, address.port) }])
  }
}

async function openAdmin(
  { address, token, isDefault }: AdminSettings,
  store: SqliteStore,
  { log }: Reporter,
): Promise<{ readonly server: AdminServer; readonly url: string } | undefined> {
  const server = new AdminServer({ store, log, access: { isLoopback: isLoopback(address.host), token } })
  try {
    const { port } = await server.listen(address.host, address.port)
    return { server, url: httpUrl(address.host, port) }
  } catch (error) {
    const message = listenMessage(error, address.host, address.port)
    if (!isDefault) throw new ConfigError([{ path: 'POSTERN_ADMIN', message }])
    log.warn(`no admin API: ${message}`)
    return undefined
  }
}

function listenMessage(error: unknown, host: string | undefined, port: number): string {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'EADDRINUSE') return `port ${port} is taken by another process; choose another`
  if (code === 'EACCES') return `port ${port} is not open to this user; choose one from 1024 on`
  return `cannot listen on ${host ?? 'any address'}, port ${port}: ${messageOf(error)}`
}

/** The address to show for a listener: `localhost` where it listens on loopback or everywhere. */
export function httpUrl(host: string | undefined, port: number): string {
  if (host === undefined || host === '0.0.0.0' || host === '::' || host === 'localhost')
    return `http://localhost:${port}`
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}
