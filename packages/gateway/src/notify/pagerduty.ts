import { createHash } from 'node:crypto'
import type { Message } from './message.ts'
import { fitted } from './plain-text.ts'

/** By the reference of its Events API v2: a summary of 1,024 characters, a key of 255. */
const LONGEST_SUMMARY_CHARS = 1024
const KEY_CHARS = 40

/**
 * An event of PagerDuty's Events API v2. The same trouble has the same key, whatever tells of it, so that its end resolves the
 * incident that its beginning triggered, and what is told twice stays one incident.
 */
export function incidentBody(message: Message, routingKey: string): object {
  const { severity, title, text, fields, source, type, id, created, isEnd } = message
  const key = { routing_key: routingKey, dedup_key: dedupKey(message) }
  if (isEnd) return { ...key, event_action: 'resolve' }
  return {
    ...key,
    event_action: 'trigger',
    client: 'Postern',
    payload: {
      summary: fitted(text === undefined ? title : `${title}: ${text}`, LONGEST_SUMMARY_CHARS),
      source,
      // Ours are three of its four; `error` is the one between.
      severity,
      class: type,
      ...(created !== undefined && { timestamp: created.toISOString() }),
      custom_details: {
        ...(text !== undefined && { text }),
        event_id: id,
        fields: Object.fromEntries(fields.map(({ label, value }) => [label, value])),
      },
    },
  }
}

function dedupKey({ source, problem, type, id }: Message): string {
  const words = problem === undefined ? ['event', source, type, id] : ['problem', source, problem]
  return `postern-${createHash('sha256').update(JSON.stringify(words)).digest('hex').slice(0, KEY_CHARS)}`
}
