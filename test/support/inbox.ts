import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { once } from 'node:events'
import express from 'express'
import express4 from 'express4'
import {
  createPostern,
  type EventSummary,
  type Handler,
  type Logger,
  type LogFields,
  type Occurrence,
  type Postern,
  type PosternOptions,
  type RetrySchedule,
  type Source,
  type WorkerOptions,
} from 'postern'
import { expressMount } from 'postern/express'
import { anima, castai, coreweave, vastai } from 'postern/providers'
import { sqlite, type SqliteEffect, type SqliteStore } from 'postern/sqlite'
import { expect, onTestFinished } from 'vitest'
import { exchange, type Answer } from './raw-client.ts'
import { NOW_MS, SECRET, wire, type Outgoing } from './requests.ts'

/** What the inbox is served by. */
export type Skin =
  | 'node:http'
  | 'Express'
  /** The seeds' own lines: `app.post(path, express.raw({ type: 'application/json' }), …)`. */
  | 'Express behind raw()'
  | 'Express 4'
  | 'Express 4 behind raw()'
  /** The mistake of most beginners: `app.use(framework.json())` first. */
  | 'Express behind json()'
  | 'fetch'

export interface InboxOptions {
  readonly skin?: Skin
  /** Default: the four vendors, all with `SECRET`. */
  readonly sources?: Readonly<Record<string, Source>>
  /** Called for these types of every source, by default the seeds' three. */
  readonly types?: readonly string[]
  readonly handler?: Handler<string, unknown, SqliteEffect>
  /** Where the store's file is. Default: a folder that is removed after the test. */
  readonly folder?: string
  /** Puts something between the inbox and its store. */
  readonly wrap?: (store: SqliteStore) => SqliteStore
  readonly now?: () => number
  readonly worker?: WorkerOptions
  readonly retry?: Partial<RetrySchedule>
  /** `false` lets the test write error lines to the log without failing for it. */
  readonly isQuiet?: boolean
  /** Default: the inbox's own lines are collected in `logs`. */
  readonly log?: Logger
}

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly message: string
  readonly fields: LogFields | undefined
}

/** An inbox over SQLite in a folder of its own, being served. */
export interface Inbox {
  /** 0 for a Fetch handler. */
  readonly port: number
  readonly postern: Postern
  /** The real store, without what `wrap` put around it. */
  readonly store: SqliteStore
  readonly logs: readonly LogLine[]
  readonly occurrences: readonly Occurrence[]
  /** Ids that the handler was called with, in order. */
  readonly handled: readonly string[]
  /** Sends a request and reads its answer. */
  send(request: Outgoing): Promise<Answer>
  /** Bytes that the server has read from its connections so far. */
  bytesRead(): number
  /** Every event in the store, oldest first. */
  events(): Promise<readonly EventSummary[]>
  /** Stops the inbox and its server. Done after the test in any case. */
  stop(): Promise<void>
}

const SEED_TYPES = ['resource.created', 'resource.updated', 'resource.deleted'] as const

/** Starts an inbox that ends with the test; what it leaves open fails the test. */
export async function startInbox(options: InboxOptions = {}): Promise<Inbox> {
  const folder = options.folder ?? tempFolder()
  const skin = options.skin ?? 'node:http'
  // Two threads cost 60 ms to start: one skin for each case pays for the default, the others run the same code inline.
  const store = sqlite(join(folder, 'postern.db'), { writer: skin === 'node:http' ? 'thread' : 'inline' })
  const seen = { logs: [] as LogLine[], occurrences: [] as Occurrence[], handled: [] as string[] }
  const postern = assemble(options.wrap?.(store) ?? store, options, seen)
  const names = Object.keys(options.sources ?? {})
  const server = skin === 'fetch' ? undefined : createServer(listener(postern, skin, names))
  const sockets: Socket[] = []
  server?.on('connection', (socket) => sockets.push(socket))
  if (server !== undefined) await once(server.listen(0, '127.0.0.1'), 'listening')
  const port = server === undefined ? 0 : (server.address() as AddressInfo).port

  let stopped: Promise<void> | undefined
  const stop = (): Promise<void> => (stopped ??= stopAll(postern, server))
  onTestFinished(async () => {
    await stop()
    // The last connection to close takes the WAL with it: a file beside the database is one that was left open. The
    // fallback driver has no way to finalize statements, so inline, without a thread to end, that waits for the collector.
    if (skin === 'node:http' && existsSync(folder)) expect(readdirSync(folder).filter(isBeside)).toEqual([])
    if (options.isQuiet !== false) expect(seen.logs.filter(({ level }) => level === 'error')).toEqual([])
  })
  return {
    port,
    postern,
    store,
    ...seen,
    send: (request) => (server === undefined ? sendFetch(postern, request) : exchange(port, wire(request))),
    bytesRead: () => sockets.reduce((sum, { bytesRead }) => sum + bytesRead, 0),
    events: () => allEvents(store),
    stop,
  }
}

/** A folder that is gone after the test. */
export function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'postern-test-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** The four vendors with one secret. */
function fourVendors(secret: string | readonly string[] | undefined = SECRET): Record<string, Source> {
  return {
    vastai: vastai({ secret }),
    castai: castai({ secret }),
    coreweave: coreweave({ secret }),
    anima: anima({ secret }),
  }
}

/** A store that does some verbs otherwise. */
export function replacing(store: SqliteStore, verbs: Partial<SqliteStore>): SqliteStore {
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(name in verbs ? verbs : target, name)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

/** Every event in a store, oldest first. */
export async function allEvents(store: Pick<SqliteStore, 'list'>): Promise<readonly EventSummary[]> {
  const events: EventSummary[] = []
  for (let before: number | undefined; ;) {
    const page = await store.list({ of: 'events', limit: 1000, ...(before !== undefined && { before }) })
    events.push(...page.events)
    if (page.next === undefined) return events.toReversed()
    before = page.next
  }
}

/** A promise and its hands. */
export interface Gate {
  readonly opened: Promise<void>
  readonly open: () => void
}

/** Something to wait at until the test opens it. */
export function gate(): Gate {
  const hands: { open?: () => void } = {}
  const opened = new Promise<void>((resolve) => (hands.open = resolve))
  return { opened, open: () => hands.open?.() }
}

function assemble(
  store: SqliteStore,
  options: InboxOptions,
  seen: { readonly logs: LogLine[]; readonly occurrences: Occurrence[]; readonly handled: string[] },
): Postern {
  const sources = options.sources ?? fourVendors()
  const handler: Handler<string, unknown, SqliteEffect> = async (event, context) => {
    seen.handled.push(event.id)
    await options.handler?.(event, context)
  }
  const settings: PosternOptions<Record<string, Source>, SqliteEffect> = {
    store,
    sources,
    handlers: (on) =>
      Object.keys(sources).flatMap((name) =>
        (options.types ?? SEED_TYPES).map((type) => on(name, type, handler)),
      ),
    now: options.now ?? (() => NOW_MS),
    random: () => 0,
    observe: (occurrence) => void seen.occurrences.push(occurrence),
    log: options.log ?? collecting(seen.logs),
    ...(options.worker && { worker: options.worker }),
    ...(options.retry && { retry: options.retry }),
  }
  return createPostern(settings)
}

function listener(postern: Postern, skin: Exclude<Skin, 'fetch'>, names: readonly string[]): RequestListener {
  if (skin === 'node:http') return (request, response) => void postern.node(request, response)
  const framework = skin.startsWith('Express 4') ? express4 : express
  const app = framework()
  const sources = names.length > 0 ? names : ['vastai', 'castai', 'coreweave', 'anima']
  if (skin === 'Express behind json()') app.use(framework.json())
  if (skin.endsWith('behind raw()')) {
    for (const name of sources) {
      app.post(`/webhooks/${name}`, framework.raw({ type: 'application/json' }), expressMount(postern, name))
    }
  } else {
    app.use('/webhooks', expressMount(postern))
  }
  return app
}

async function stopAll(postern: Postern, server: Server | undefined): Promise<void> {
  await postern.stop({ graceMs: 0 })
  if (server === undefined) return
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeAllConnections()
  await closed
}

function isBeside(name: string): boolean {
  return name.endsWith('-wal') || name.endsWith('-shm')
}

async function sendFetch(postern: Postern, request: Outgoing): Promise<Answer> {
  const headers = new Headers()
  for (const [name, value] of request.headers) headers.append(name, value)
  const { method } = request
  const init = { method, headers, ...(method === 'POST' && { body: Uint8Array.from(request.body) }) }
  const response = await postern.fetch(new Request(`http://localhost${request.path}`, init))
  return { status: response.status, headers: new Map(response.headers), body: await response.text() }
}

function collecting(logs: LogLine[]): Logger {
  const write =
    (level: LogLine['level']) =>
    (message: string, fields?: LogFields): void =>
      void logs.push({ level, message, fields })
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
}
