import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { Observer, Postern, Sources } from 'postern'
import { AdminServer, type AdminServerOptions } from '../admin/admin-server.ts'
import { isLoopback } from '../config/address.ts'
import type { GatewayConfig } from '../config/define-config.ts'
import { ConfigError, orThrow } from '../config/problem.ts'
import type { AnyResolvedDestination } from '../config/resolve-destinations.ts'
import { GatewayMetrics } from '../observe/gateway-metrics.ts'
import type { Reporter } from '../observe/reporter.ts'
import { tracedReceiving, traceOccurrence } from '../observe/tracing.ts'
import { VendorJobs } from '../vendors/vendor-jobs.ts'
import type { CliContext } from './context.ts'
import type { HttpLimits } from './http-limits.ts'
import { inboxOptions } from './inbox-options.ts'
import { createInbox, type GatewayInbox } from './inbox.ts'
import { httpUrl, listenMessage } from './listen-message.ts'
import { answerNotHere } from './role.ts'
import { PublicServer } from './server.ts'
import type { AdminSettings, Settings } from './settings.ts'
import { closeStore, openStore, unsoundSettings, type InspectedStore } from './stores/open-store.ts'
import type { GatewayStore } from './stores/store-opener.ts'
import { followTls, readTls, type TlsMaterial } from './tls.ts'
import { vendorClient } from './vendor-access.ts'

export interface GatewayParts {
  readonly settings: Settings
  /** With every source able to verify. */
  readonly config: GatewayConfig
  /** `config.destinations`, each with its secrets. */
  readonly destinations?: readonly AnyResolvedDestination[]
  readonly reporter: Reporter
  readonly limits?: Partial<HttpLimits>
  /** Where the keys of vendors' APIs are, and who says that a certificate is to be read again. */
  readonly context: Pick<CliContext, 'env' | 'onReload' | 'vendors'>
}

/** A gateway that takes requests. */
export interface RunningGateway {
  readonly port: number
  /** Where the operator's listener is; `undefined` where there is none. */
  readonly adminUrl: string | undefined
  /** What the store runs on, with its version. */
  readonly engine: string
  /** Replaces a source's secrets, newest first; with none its requests are answered 503. */
  setSecret(source: string, secrets: readonly string[]): void
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
/** For a store to finish what it has under way; one that is out of reach would wait for its connections' own timeout. */
const STORE_GRACE_MS = 1500
const FATAL_GRACE_MS = 2000
/** What `deploy/` gives a stop at least. */
export const LONGEST_STOP_MS: number = HTTP_GRACE_MS + ANNOUNCE_MS + WORKER_GRACE_MS + 2 * STORE_GRACE_MS

/** Opens the store and starts to listen and to work. Leaves nothing open where it rejects. */
export async function startGateway(parts: GatewayParts): Promise<RunningGateway> {
  const { settings, reporter } = parts
  const { role } = settings
  const tls = settings.tls && orThrow(await readTls(settings.tls, Date.now()))
  const opened = await openConfiguredStore(settings, reporter)
  const { store, inspection } = opened
  let jobs: VendorJobs | undefined
  const observe: Observer = (occurrence) => {
    traceOccurrence(occurrence)
    reporter.observe(occurrence)
    jobs?.hint(occurrence)
  }
  const { postern, forwarding, destinations } = await openInbox(parts, opened, observe)
  const metrics = new GatewayMetrics(postern, { engine: inspection.engine, role })
  const server = createServer(parts, postern, tls)
  try {
    jobs = vendorJobs(parts, postern, store)
    const { port } = await listen(server, settings)
    const secretUse: AdminServerOptions['secretUse'] = async () => (await postern.metrics()).secrets
    const { replay } = postern
    const shown = { store, secretUse, replay, destinations, forwarding, metrics: metrics.text }
    const admin = settings.admin && (await openAdmin(settings.admin, shown, reporter))
    await forwarding.start()
    if (role !== 'ingest') {
      await postern.start()
      jobs.start()
    }
    const unfollowTls = tls && followTls(tls, server, { log: reporter.log, onReload: parts.context.onReload })
    return {
      port,
      adminUrl: admin?.url,
      engine: inspection.engine,
      setSecret: (name, secrets) => postern.setSecret(name, secrets),
      stopAccepting: () => server.drain({ announceMs: 0, graceMs: FATAL_GRACE_MS }),
      stop: async () => {
        unfollowTls?.()
        metrics.stop()
        await Promise.all([
          server.drain({ announceMs: ANNOUNCE_MS, graceMs: HTTP_GRACE_MS }),
          endsWithin(jobs?.stop() ?? Promise.resolve(), HTTP_GRACE_MS),
        ])
        const isClosed = await stopInbox({ postern, forwarding })
        await admin?.server.close()
        if (!isClosed)
          reporter.log.warn('the store does not answer: what runs comes back when its lease ends')
        else await endsWithin(opened.release(), STORE_GRACE_MS)
      },
    }
  } catch (error) {
    metrics.stop()
    await server.drain({ announceMs: 0, graceMs: 0 })
    await postern.stop({ graceMs: 0 })
    await forwarding.stop()
    await opened.release()
    throw error
  }
}

/** Finishes or gives back what runs; whether the store has closed in time. */
async function stopInbox({
  postern,
  forwarding,
}: Pick<GatewayInbox, 'forwarding' | 'postern'>): Promise<boolean> {
  const stopping = postern.stop({ graceMs: WORKER_GRACE_MS })
  const isClosed = await endsWithin(stopping, WORKER_GRACE_MS + STORE_GRACE_MS)
  await forwarding.stop()
  return isClosed
}

/** Takes requests, or says where it is asked that it does not. */
function createServer(
  { settings: { role }, config, limits }: GatewayParts,
  postern: Postern,
  tls: TlsMaterial | undefined,
): PublicServer {
  const isTaking = role !== 'worker'
  return new PublicServer({
    postern: {
      isReady: () => postern.isReady(),
      node: isTaking ? tracedReceiving(postern.node) : answerNotHere,
    },
    maxBodyBytesAt: bodyLimits(isTaking ? config.sources : {}, config.prefix ?? DEFAULT_PREFIX),
    ...(tls && { tls: tls.options }),
    ...(limits && { limits }),
  })
}

function vendorJobs(
  { config: { pull, reconcile }, settings: { role }, context, reporter }: GatewayParts,
  postern: Postern,
  store: GatewayStore,
): VendorJobs {
  return new VendorJobs({
    // They are work: a process that only takes requests needs no vendor's key.
    config: role === 'ingest' ? { pull: undefined, reconcile: undefined } : { pull, reconcile },
    clientOf: (api) => vendorClient(api, context),
    record: (source, recording) => postern.record(source, recording),
    store,
    log: reporter.log,
    ...(context.vendors?.pause !== undefined && { pause: context.vendors.pause }),
  })
}

async function openConfiguredStore(settings: Settings, reporter: Reporter): Promise<InspectedStore> {
  const { mayLoseAcknowledgedEvents } = settings
  const opened = await openStore(settings.store, { mayLoseAcknowledgedEvents, log: reporter.log })
  warnOfAcceptedLoss(settings, opened, reporter)
  return opened
}

function warnOfAcceptedLoss(settings: Settings, { inspection }: InspectedStore, { log }: Reporter): void {
  const unsound = unsoundSettings(inspection)
  if (unsound.length === 0) return
  const found = unsound.map(({ name, value }) => `${name} ${value}`).join(', ')
  log.warn(
    `events that were answered 200 may be lost when the store's server crashes, as POSTERN_MAY_LOSE_ACKNOWLEDGED_EVENTS accepts: ${found}`,
    { store: settings.store.shownAs },
  )
}

async function openInbox(
  { settings, config, destinations = [], reporter }: GatewayParts,
  opened: InspectedStore,
  observe: Observer,
): Promise<GatewayInbox> {
  try {
    return createInbox({
      config: { ...config, ...inboxOptions(settings) },
      destinations,
      store: opened.store,
      log: reporter.log,
      observe,
    })
  } catch (error) {
    await closeStore(opened)
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
    throw new ConfigError([{ path: 'PORT', message: listenMessage(error, address, 'PORT') }])
  }
}

async function openAdmin(
  { address, token, isDefault }: AdminSettings,
  shown: Omit<AdminServerOptions, 'access' | 'log'>,
  { log }: Reporter,
): Promise<{ readonly server: AdminServer; readonly url: string } | undefined> {
  const server = new AdminServer({ ...shown, log, access: { isLoopback: isLoopback(address.host), token } })
  try {
    const { port } = await server.listen(address.host, address.port)
    return { server, url: httpUrl(address.host, port) }
  } catch (error) {
    const message = listenMessage(error, address, 'POSTERN_ADMIN')
    if (!isDefault) throw new ConfigError([{ path: 'POSTERN_ADMIN', message }])
    log.warn(`no admin API: ${message}`)
    return undefined
  }
}

/** Whether the work is done in time; what it fails with is passed on. */
async function endsWithin(work: Promise<void>, ms: number): Promise<boolean> {
  const timeout = new AbortController()
  const late = pause(ms, false, { signal: timeout.signal }).catch(() => false)
  const inTime = await Promise.race([work.then(() => true), late])
  timeout.abort()
  return inTime
}
