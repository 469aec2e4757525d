import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Mount } from '../receive/mount.ts'

/** The part of the inbox that a mount needs. */
export interface Mountable {
  mount(source: string): Mount
  under(prefix: string): Mount
}

/** An Express request handler, in the part that Express 4 and 5 share. */
export type ExpressHandler = (request: IncomingMessage, response: ServerResponse) => void

/**
 * Mounts the inbox in Express 4 or 5: one source at any path, or all of them under a prefix.
 *
 * Put it before `express.json()`, or behind `express.raw()`: it needs the body's bytes.
 *
 * @example
 * app.post('/api/hooks/vast', expressMount(postern, 'vastai'))
 * app.use('/webhooks', expressMount(postern))
 */
export function expressMount(postern: Mountable, source?: string): ExpressHandler {
  const mount = source === undefined ? postern.under('') : postern.mount(source)
  return (request, response) => void mount.node(request, response)
}
