import * as http from 'node:http'
import * as https from 'node:https'
import type { SignedRequest } from './trigger-request.ts'

/** What came back, or why nothing did. */
export type Sent =
  | {
      readonly ok: boolean
      readonly status: number
      readonly statusText: string
      readonly body: string
      readonly ms: number
    }
  | {
      readonly ok: false
      readonly status: undefined
      readonly error: string
      readonly isRefused: boolean
      readonly ms: number
    }

export interface SenderOptions {
  readonly url: string
  readonly atOnce: number
  readonly now: () => number
  readonly timeoutMs?: number
}

const LONGEST_ANSWER_BYTES = 64 * 1024

/**
 * Sends requests to one URL over kept connections. Not by `fetch`, which refuses certain ports and adds headers that
 * no sender of webhooks has. It follows no redirect, since they do not either.
 */
export class Sender {
  readonly #options: SenderOptions
  readonly #agent: http.Agent
  readonly #request: typeof http.request

  constructor(options: SenderOptions) {
    const { Agent, request } = options.url.startsWith('https:') ? https : http
    this.#options = options
    this.#request = request
    this.#agent = new Agent({ keepAlive: true, maxSockets: options.atOnce })
  }

  /** Sends one request. Never rejects. */
  async send(signed: SignedRequest): Promise<Sent> {
    const { now } = this.#options
    const startedMs = now()
    try {
      const answer = await this.#exchange(signed)
      return { ...answer, ok: answer.status >= 200 && answer.status < 300, ms: now() - startedMs }
    } catch (error) {
      return { ok: false, status: undefined, ...explain(error), ms: now() - startedMs }
    }
  }

  close(): void {
    this.#agent.destroy()
  }

  #exchange({
    headers,
    body,
    path,
  }: SignedRequest): Promise<Pick<Sent & { status: number }, 'body' | 'status' | 'statusText'>> {
    const { url, timeoutMs = 30_000 } = this.#options
    return new Promise((resolve, reject) => {
      const request = this.#request(url, {
        method: 'POST',
        path,
        headers: { ...headers, 'content-length': body.byteLength, 'user-agent': 'postern-trigger' },
        agent: this.#agent,
        signal: AbortSignal.timeout(timeoutMs),
      })
      request.on('error', reject)
      request.on('response', (response) => {
        const { statusCode = 0, statusMessage = '' } = response
        readText(response).then(
          (text) => resolve({ status: statusCode, statusText: statusMessage, body: text }),
          reject,
        )
      })
      request.end(body)
    })
  }
}

/** Runs `count` jobs, so many at once, until one says that there is no point in going on. */
export async function inTurns(
  count: number,
  atOnce: number,
  job: () => Promise<'go on' | 'stop'>,
): Promise<void> {
  let started = 0
  let isOver = false
  const lane = async (): Promise<void> => {
    while (!isOver && started < count) {
      started += 1
      if ((await job()) === 'stop') isOver = true
    }
  }
  await Promise.all(Array.from({ length: Math.min(count, atOnce) }, lane))
}

async function readText(response: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of response) {
    chunks.push(chunk)
    length += chunk.byteLength
    // Leaving the loop ends the connection.
    if (length > LONGEST_ANSWER_BYTES) break
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** Where a name has several addresses, the error holds one for each, and its own message is empty. */
function explain(error: unknown): { readonly error: string; readonly isRefused: boolean } {
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error
  const { name, message, code } = first as NodeJS.ErrnoException
  const text = name === 'AbortError' || name === 'TimeoutError' ? 'it took too long' : message
  return { error: text, isRefused: code === 'ECONNREFUSED' }
}
