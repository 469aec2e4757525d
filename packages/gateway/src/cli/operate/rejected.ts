import type { CliContext } from '../context.ts'
import { adminClient } from './admin-client.ts'
import { printJson, printTable, type OutputFlags } from './print.ts'

export interface RejectedFlags extends OutputFlags {
  readonly limit: number
  readonly before?: string
  readonly source?: string
  readonly reason?: string
}

/** As the API lists them. */
interface ListedRejected {
  readonly rejectedSeq: number
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
  { json, limit, before, source, reason }: RejectedFlags,
  context: CliContext,
): Promise<number> {
  const query = new URLSearchParams({
    limit: String(limit),
    ...(before !== undefined && { before }),
    ...(source !== undefined && { source }),
    ...(reason !== undefined && { reason }),
  })
  const body = (await adminClient(context).get(`/api/rejected?${query.toString()}`)) as {
    readonly rejected: readonly ListedRejected[]
    readonly next?: number
  }
  if (json === true) return printJson(body, context)
  const rows = body.rejected.map((each) => [
    String(each.rejectedSeq),
    new Date(each.receivedMs).toISOString(),
    each.source,
    each.reason,
    String(each.copies),
    String(each.bodyBytes),
    each.method,
    each.url,
  ])
  const heads = ['NUMBER', 'TIME', 'SOURCE', 'REASON', 'COPIES', 'BYTES', 'METHOD', 'URL']
  const code = printTable([heads, ...rows], context)
  // A page may end before its limit, where the bodies on it are large: then nothing else shows that there are more.
  if (body.next !== undefined) context.stderr.write(`older ones: --before ${body.next}\n`)
  return code
}
