import type { IncomingMessage, ServerResponse } from 'node:http'
import { methodsOf } from '../core/handshake.ts'
import { originForm } from '../core/request-target.ts'
import { Deadlines } from '../inbox/index.ts'
import type { Answer } from './answer.ts'
import type { BodyBudget } from './body-reading.ts'
import { fetchBody } from './fetch-body.ts'
import { nodeBody } from './node-body.ts'
import type { Receiver } from './receiver.ts'

/** The two skins of a mount: the Fetch standard's, and Node's. Neither ever rejects. */
export interface Mount {
  /** Answers a Fetch request. */
  fetch(request: Request): Promise<Response>
  /** Answers a Node request; also behind Express, before or after `express.raw()`. */
  node(request: IncomingMessage, response: ServerResponse): Promise<void>
}

/** Finds the source's name in a path; `undefined` where there is none. */
export type Route = (path: string) => string | undefined

/** What all mounts of an inbox share. */
export interface MountParts {
  readonly receiver: Receiver
  readonly budget: BodyBudget
  /** What stands before a request's path and query in the URL that its sender knows; the request's own word where absent. */
  readonly publicUrl?: string | undefined
  /** Who sent a Node request, for the log. */
  readonly clientOf?: ((request: IncomingMessage) => string | undefined) | undefined
}

/** A mount that finds its source by `route`. */
export function createMount(parts: MountParts, route: Route): Mount {
  return {
    async fetch(request) {
      const answer = await answerFetch(parts, route, request)
      // A 204 with a body, an empty one even, is refused by the constructor.
      return new Response(answer.status === 204 ? null : answer.body, {
        status: answer.status,
        headers: answer.headers,
      })
    },
    async node(request, response) {
      const answer = await answerNode(parts, route, request)
      if (answer === 'nobody_waits' || response.destroyed || response.headersSent) return
      // A connection that is kept would keep a server from closing for as long as its sender likes. HTTP/2 has no such header.
      if (parts.receiver.isStopping && request.httpVersionMajor < 2) response.setHeader('connection', 'close')
      response.writeHead(answer.status, answer.headers).end(answer.body)
      if (!request.complete) letItEnd(request)
    },
  }
}

/** How long the rest of a refused body is read off. */
const LINGER_MS = 5000
const lingering = new Deadlines(LINGER_MS)

/**
 * Reads off what is left of a body that was refused, for a while: closed at once, a connection whose sender is still
 * writing is reset, and the sender never sees the answer.
 */
function letItEnd(request: IncomingMessage): void {
  request.resume()
  lingering.set(() => {
    if (!request.complete) request.destroy()
  })
}

async function answerFetch(
  { receiver, budget, publicUrl }: MountParts,
  route: Route,
  request: Request,
): Promise<Answer> {
  const found = findSource(receiver, route, { method: request.method, path: new URL(request.url).pathname })
  if ('refused' in found) return found.refused
  const read = await fetchBody(request, found.maxBodyBytes, budget)
  if (!read.ok) return receiver.refuse(found.name, read.reason)
  return receiver.receive(found.name, {
    method: request.method,
    url: publicUrl === undefined ? request.url : publicUrl + pathAndQueryOf(request.url),
    // `Headers` has joined doubled headers with ", " by now; strict decoding refuses those.
    headers: [...request.headers].flat(),
    body: read.body,
  })
}

async function answerNode(
  { receiver, budget, publicUrl = '', clientOf }: MountParts,
  route: Route,
  request: IncomingMessage & { readonly originalUrl?: string },
): Promise<Answer | 'nobody_waits'> {
  const target = originForm(request.url ?? '')
  // What the app has left of the target is in `url`; what is signed is the whole of it.
  const url = originForm(request.originalUrl ?? request.url ?? '')
  const method = request.method ?? ''
  // Now: of a connection that has broken nobody knows any longer who it was.
  const client = clientOf?.(request)
  if (target === undefined || url === undefined) return receiver.refuse('', 'unknown_source', { client })
  const found = findSource(receiver, route, { method, path: pathOf(target), client })
  if ('refused' in found) return found.refused
  const read = await nodeBody(request, found.maxBodyBytes, budget)
  if (!read.ok) {
    const answer = receiver.refuse(found.name, read.reason, { client })
    return read.reason === 'client_disconnected' ? 'nobody_waits' : answer
  }
  return receiver.receive(found.name, {
    method,
    url: publicUrl + url,
    headers: request.rawHeaders,
    body: read.body,
    client,
  })
}

/** Routes by method and exact path, before a byte of the body is read. */
function findSource(
  receiver: Receiver,
  route: Route,
  {
    method,
    path,
    client,
  }: { readonly method: string; readonly path: string; readonly client?: string | undefined },
): { readonly name: string; readonly maxBodyBytes: number } | { readonly refused: Answer } {
  const name = route(path)
  const source = name === undefined ? undefined : receiver.source(name)
  if (name === undefined || source === undefined)
    return { refused: receiver.refuse('', 'unknown_source', { client }) }
  if (method !== 'POST' && !methodsOf(source).includes(method))
    return { refused: receiver.refuse(name, 'method_not_allowed', { client }) }
  return { name, maxBodyBytes: source.maxBodyBytes }
}

function pathOf(url: string): string {
  const query = url.indexOf('?')
  return query < 0 ? url : url.slice(0, query)
}

/** What follows the host, byte for byte. */
function pathAndQueryOf(url: string): string {
  return url.replace(/^[^:/?#]+:\/\/[^/?#]*/, '')
}
