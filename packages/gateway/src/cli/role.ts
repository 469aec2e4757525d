import type { IncomingMessage, ServerResponse } from 'node:http'
import { problem, type Checked } from '../config/problem.ts'

/** What a process does: takes requests, runs the work, or both. */
export const ROLES = ['ingest', 'worker', 'all'] as const
export type Role = (typeof ROLES)[number]

/** Reads a role by its name. */
export function parseRole(text: string, name: string): Checked<Role> {
  const role = ROLES.find((each) => each === text.trim())
  return role === undefined
    ? problem(name, `'${text.slice(0, 60)}' is not a role; there are ${ROLES.join(', ')}`)
    : { ok: true, value: role }
}

const NOT_FOUND = '{"error":"Not found"}'

/** Stands for the inbox where a process takes no requests: whoever comes has the wrong address. */
export async function answerNotHere(request: IncomingMessage, response: ServerResponse): Promise<void> {
  response
    .writeHead(404, {
      'content-type': 'application/json',
      'content-length': NOT_FOUND.length,
      connection: 'close',
    })
    .end(NOT_FOUND)
  request.resume()
}
