import { fork, type ChildProcess } from 'node:child_process'
import { createHmac, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sqlite, type SqliteStore } from 'postern/sqlite'
import { onTestFinished } from 'vitest'
import { allEvents } from './inbox.ts'
import { SECRET } from './requests.ts'

export type Mode = 'sound' | 'early-ack' | 'silent'

type Message =
  | { readonly kind: 'ready'; readonly port: number }
  | { readonly kind: 'committed'; readonly ids: string[] }

const SCRIPT = fileURLToPath(new URL('./kill-server.mjs', import.meta.url))
const CONNECTIONS = 16

/** Whatever takes this client's events, and can be ended by `kill -9`. */
export interface Killable {
  readonly port: number
  kill(): Promise<unknown>
  /** It outlives the kill, of what it stores its events on, and may answer 503 meanwhile. */
  readonly mayRefuse?: boolean
}

/** A server in a process of its own. */
export class Victim implements Killable {
  readonly port: number
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, port: number) {
    this.#child = child
    this.port = port
  }

  static async start(folder: string, mode: Mode = 'sound'): Promise<Victim> {
    const child = fork(SCRIPT, [folder, SECRET, mode], { execArgv: [] })
    onTestFinished(() => void child.kill('SIGKILL'))
    const ready = await messageOf(child)
    if (ready.kind !== 'ready') throw new Error(`the server's first word was ${ready.kind}`)
    return new Victim(child, ready.port)
  }

  /** Ids of the next commit. */
  async committed(): Promise<readonly string[]> {
    const message = await messageOf(this.#child)
    return message.kind === 'committed' ? message.ids : []
  }

  /** `kill -9`. */
  async kill(): Promise<void> {
    const exited = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await exited
  }

  /** Has it handle whatever is left, and end by itself. */
  async finish(): Promise<void> {
    const exited = once(this.#child, 'exit') as Promise<[number | null, string | null]>
    this.#child.send('finish')
    const [code, signal] = await exited
    if (code !== 0) throw new Error(`the server ended with ${code ?? signal}`)
  }
}

/** The client, and the only one who knows what was promised to whom: kept in its own memory. */
export class Client {
  /** Bodies by id, of every request that was begun. */
  readonly sent: Map<string, string> = new Map()
  /** Ids that a whole 200 was read for. */
  readonly acknowledged: Set<string> = new Set()
  /** Statuses by id, of those that were answered otherwise the last time. */
  readonly refused: Map<string, number> = new Map()

  /** Sends new events over many connections until `count` more are acknowledged and, mid-flight, the server has been killed. */
  async loadUntilKilled(victim: Killable, count: number): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
    const goal = this.acknowledged.size + count
    let isKilled = false
    let killing: Promise<unknown> | undefined
    const sender = async (): Promise<void> => {
      while (await this.send(victim.port, agent)) {
        if (isKilled) return
        if (this.acknowledged.size >= goal) killing ??= victim.kill().finally(() => (isKilled = true))
      }
    }
    await Promise.all(Array.from({ length: CONNECTIONS }, sender))
    await killing
    agent.destroy()
    const wrong = [...this.refused.values()].filter(
      (status) => !(victim.mayRefuse === true && status === 503),
    )
    if (wrong.length > 0) throw new Error(`good requests were answered ${wrong.join(', ')}`)
  }

  /** Sends what was refused again, as its sender does, until it is answered 200. */
  async sendRefusedAgain(port: number, withinMs: number): Promise<void> {
    const endMs = performance.now() + withinMs
    for (;;) {
      const [id] = this.refused.keys()
      if (id === undefined) return
      if (performance.now() > endMs) throw new Error(`${this.refused.size} events are refused to the end`)
      // One that is refused again comes last.
      await this.send(port, undefined, id)
    }
  }

  /** Sends an event; answers whether an answer came. */
  async send(port: number, agent?: Agent, id: string = randomUUID()): Promise<boolean> {
    const body = this.sent.get(id) ?? bodyOf(id)
    this.sent.set(id, body)
    const status = await post(port, body, agent)
    if (status !== undefined) this.refused.delete(id)
    if (status === 200) this.acknowledged.add(id)
    else if (status !== undefined) this.refused.set(id, status)
    return status !== undefined
  }
}

/** What a folder holds, held against what a client was told. */
export interface Findings {
  /** Acknowledged and not in the store: the one thing that must never be. */
  readonly lost: readonly string[]
  /** Acknowledged and stored with other bytes. */
  readonly altered: readonly string[]
  /** Stored more than once. */
  readonly doubled: readonly string[]
  /** Stored, and nobody sent it. */
  readonly invented: readonly string[]
  /** Acknowledged, and no handler ever ran for it. */
  readonly unhandled: readonly string[]
  /** Stored and never acknowledged: legal, and a sign that the kill fell between commit and answer. */
  readonly unacknowledged: readonly string[]
}

/** Opens a folder that no server uses any more and compares. */
export async function inspect(folder: string, client: Client): Promise<Findings> {
  const store = sqlite(join(folder, 'postern.db'))
  try {
    const ids = (await allEvents(store)).map(({ id }) => id)
    const stored = new Set(ids)
    const acknowledged = [...client.acknowledged]
    const handled = new Set(readHandled(folder))
    return {
      lost: acknowledged.filter((id) => !stored.has(id)),
      altered: await alteredIn(store, client),
      doubled: doublesIn(ids),
      invented: ids.filter((id) => !client.sent.has(id)),
      unhandled: acknowledged.filter((id) => !handled.has(id)),
      unacknowledged: ids.filter((id) => !client.acknowledged.has(id)),
    }
  } finally {
    await store.close()
  }
}

/** Ids that the handler wrote down, once for each run. */
export function readHandled(folder: string): readonly string[] {
  const file = join(folder, 'handled.log')
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : []
}

function doublesIn(ids: readonly string[]): readonly string[] {
  const seen = new Set<string>()
  return ids.filter((id) => seen.size === seen.add(id).size)
}

async function alteredIn(store: SqliteStore, client: Client): Promise<readonly string[]> {
  const altered: string[] = []
  for (const { eventSeq, id } of await allEvents(store)) {
    const detail = await store.get(eventSeq)
    const isSame = Buffer.from(detail?.event.body ?? []).toString('utf8') === client.sent.get(id)
    if (!isSame && client.acknowledged.has(id)) altered.push(id)
  }
  return altered
}

/** Of differing lengths, so that bodies cannot be taken for each other. */
function bodyOf(id: string): string {
  const data = `${id.slice(0, 8)}-`.repeat(1 + (Number.parseInt(id.slice(0, 2), 16) % 90))
  return JSON.stringify({ id, type: 'resource.created', data, created: new Date().toISOString() })
}

/** The status of a whole answer; `undefined` where the connection broke. Signed by node:crypto: openssl is too slow for a load. */
function post(port: number, body: string, agent: Agent | undefined): Promise<number | undefined> {
  const timestamp = String(Math.floor(Date.now() / 1000))
  const signature = createHmac('sha256', SECRET).update(`${timestamp}.${body}`).digest('hex')
  return new Promise((resolve) => {
    const headers = { 'x-vastai-timestamp': timestamp, 'x-vastai-signature': signature }
    const call = request({
      port,
      host: '127.0.0.1',
      path: '/webhooks/vastai',
      method: 'POST',
      headers,
      agent,
    })
    call.on('response', (response) => {
      response.on('end', () => resolve(response.complete ? response.statusCode : undefined)).resume()
      response.on('error', () => resolve(undefined))
    })
    call.on('error', () => resolve(undefined))
    call.end(body)
  })
}

async function messageOf(child: ChildProcess): Promise<Message> {
  const ended = once(child, 'exit').then(([code]: unknown[]) => {
    throw new Error(`the server ended with ${String(code)} before it said a word`)
  })
  // The child is our own script: its messages are of this type.
  const [message] = (await Promise.race([once(child, 'message'), ended])) as [Message]
  return message
}
