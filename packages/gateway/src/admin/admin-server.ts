import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Logger } from 'postern'
import { CONTENT_TYPE } from '../observe/prometheus-text.ts'
import { crossSiteRefusal, refusal, type AccessRules } from './access.ts'
import { answerAction } from './actions.ts'
import { send, type AdminAnswer } from './admin-answer.ts'
import { answerApi, type AdminParts } from './api.ts'

export interface AdminServerOptions extends AdminParts {
  /** What `/metrics` says, for Prometheus. */
  readonly metrics?: () => Promise<string>
  readonly access: AccessRules
  readonly log: Logger
}

/** The operator's listener. Apart from the public one, so that a path can never make it public. */
export class AdminServer {
  readonly #options: AdminServerOptions
  readonly #server: Server

  constructor(options: AdminServerOptions) {
    this.#options = options
    this.#server = createServer(
      { headersTimeout: 5000, requestTimeout: 10_000, connectionsCheckingInterval: 1000 },
      (request, response) => void this.#answer(request, response),
    )
    this.#server.maxConnections = 100
    this.#server.setTimeout(30_000)
  }

  /** Rejects where the address is taken. */
  listen(host: string, port: number): Promise<AddressInfo> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ host, port }, () => {
        this.#server.off('error', reject)
        // Not a string: that is what a listener on a pipe has.
        resolve(this.#server.address() as AddressInfo)
      })
    })
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeAllConnections()
    await closed
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refused = refusal(request, this.#options.access)
    if (refused !== undefined) return send(response, refused)
    const url = URL.canParse(request.url ?? '', 'http://admin')
      ? new URL(request.url ?? '', 'http://admin')
      : undefined
    try {
      send(
        response,
        url === undefined ? { status: 400, body: { error: 'Bad URL' } } : await this.#route(request, url),
      )
    } catch (error) {
      this.#options.log.error('the admin API could not answer', { error })
      if (!response.headersSent) send(response, { status: 503, body: { error: 'Temporarily unavailable' } })
    }
  }

  async #route(request: IncomingMessage, url: URL): Promise<AdminAnswer> {
    const { metrics } = this.#options
    if (request.method === 'GET' || request.method === 'HEAD')
      return url.pathname === '/metrics' && metrics !== undefined
        ? { status: 200, body: await metrics(), headers: { 'content-type': CONTENT_TYPE } }
        : answerApi(url, this.#options)
    const act = request.method === 'POST' ? answerAction(url, this.#options) : undefined
    if (act === undefined) {
      return { status: 405, body: { error: 'Method not allowed' }, headers: { allow: 'GET, HEAD' } }
    }
    // An action is all in its path.
    request.resume()
    return crossSiteRefusal(request) ?? act()
  }
}
