import type { CliContext } from '../context.ts'
import { adminClient } from './admin-client.ts'
import { printJson, printTable, type OutputFlags } from './print.ts'

export interface RejectedFlags extends OutputFlags {
  readonly limit: number
  readonly source?: string
  readonly reason?: string
}

/** As the API lists them. */
interface ListedRejected {
  readonly receivedMs: number
  readonly source: string
  readonly reason: string
  readonly method: string
  readonly url: string
  readonly bodyBytes: number
  readonly copies: number
}

/** `postern rejected` */
export async function rejected(
  { json, limit, source, reason }: RejectedFlags,
  context: CliContext,
): Promise<number> {
  const query = new URLSearchParams({
    limit: String(limit),
    ...(source !== undefined && { source }),
    ...(reason !== undefined && { reason }),
  })
  const body = (await adminClient(context).get(`/api/rejected?${query.toString()}`)) as {
    readonly rejected: readonly ListedRejected[]
  }
  if (json === true) return printJson(body, context)
  const rows = body.rejected.map((each) => [
    new Date(each.receivedMs).toISOString(),
    each.source,
    each.reason,
    String(each.copies),
    String(each.bodyBytes),
    each.method,
    each.url,
  ])
  return printTable([['TIME', 'SOURCE', 'REASON', 'COPIES', 'BYTES', 'METHOD', 'URL'], ...rows], context)
}
