import type { CliContext } from '../context.ts'
import { adminClient } from './admin-client.ts'
import { printJson, printTable, type OutputFlags } from './print.ts'

export interface EventsFlags extends OutputFlags {
  readonly limit: number
  readonly before?: string
  readonly source?: string
  readonly type?: string
  readonly conflicts?: boolean
}

/** As the API lists them; a conflict also with whether it is held. */
interface ListedEvent {
  readonly eventSeq: number
  readonly receivedMs: number
  readonly source: string
  readonly type: string
  readonly id: string
  readonly bodyBytes: number
  readonly conflictsWith?: number
  readonly held?: boolean
}

/** `postern events` */
export async function events(
  { json, conflicts = false, limit, before, source, type }: EventsFlags,
  context: CliContext,
): Promise<number> {
  const query = new URLSearchParams({
    limit: String(limit),
    ...(before !== undefined && { before }),
    ...(source !== undefined && { source }),
    ...(type !== undefined && { type }),
    ...(conflicts && { conflicts: 'true' }),
  })
  const body = (await adminClient(context).get(`/api/events?${query.toString()}`)) as {
    readonly events: readonly ListedEvent[]
  }
  if (json === true) return printJson(body, context)
  const rows = body.events.map((each) => [
    String(each.eventSeq),
    new Date(each.receivedMs).toISOString(),
    each.source,
    each.type,
    String(each.bodyBytes),
    ...(conflicts ? [String(each.conflictsWith), each.held === true ? 'yes' : 'no'] : []),
    each.id,
  ])
  const heads = ['EVENT', 'TIME', 'SOURCE', 'TYPE', 'BYTES', ...(conflicts ? ['LIKE', 'HELD'] : []), 'ID']
  return printTable([heads, ...rows], context)
}
