import { createHash } from 'node:crypto'
import type { Message } from './message.ts'
import { worstOf } from './severity.ts'

const MOST_KINDS = 10

/** Several messages as one: how many of each kind, and what the last of each said. */
export function summaryOf(messages: readonly Message[]): Message {
  const kinds = kindsOf(messages)
  const told = kinds.slice(0, MOST_KINDS)
  const others = kinds.slice(MOST_KINDS).reduce((sum, { count }) => sum + count, 0)
  const counts = told.map(({ kind, count }) => `${count} × ${kind}`)
  if (others > 0) counts.push(`${others} × other kinds`)
  return {
    severity: worstOf(messages.map(({ severity }) => severity)),
    title: `${messages.length} more`,
    text: counts.join(', '),
    fields: told.map(({ kind, last }) => ({ label: `last ${kind}`, value: last.title })),
    source: 'postern',
    type: 'summary',
    id: digestOf(messages),
    created: undefined,
    problem: undefined,
    isEnd: false,
  }
}

interface Kind {
  readonly kind: string
  readonly count: number
  readonly last: Message
}

/** The most frequent first. */
function kindsOf(messages: readonly Message[]): readonly Kind[] {
  const kinds = new Map<string, Kind>()
  for (const last of messages) {
    const kind = `${last.source} ${last.type}`
    kinds.set(kind, { kind, count: (kinds.get(kind)?.count ?? 0) + 1, last })
  }
  return [...kinds.values()].toSorted((one, other) => other.count - one.count)
}

/** The same where the same events are told again. */
function digestOf(messages: readonly Message[]): string {
  const hash = createHash('sha256')
  for (const each of messages.map(({ source, id }) => `${source}\n${id}\n`).toSorted()) hash.update(each)
  return `summary_${hash.digest('hex').slice(0, 32)}`
}
