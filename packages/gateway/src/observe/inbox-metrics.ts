import type { Histogram, Metrics } from 'postern'
import type { Family, Sample } from './prometheus-text.ts'

export interface InboxFacts {
  /** What the store runs on, with its version. */
  readonly engine: string
  readonly role: string
}

/**
 * What an inbox has done and holds, for Prometheus. Labels are names of the configuration and words of closed sets: an id, a
 * type or a URL is somebody else's choice, and each would be a series of its own.
 */
export function inboxFamilies(metrics: Metrics, { engine, role }: InboxFacts): readonly Family[] {
  return [
    gauge('postern_info', 'What this process does, and what its store runs on', [
      { labels: { engine, role }, value: 1 },
    ]),
    counter(
      'postern_events_total',
      'Events that requests brought: stored, known already, or in conflict',
      eventSamples(metrics),
    ),
    counter(
      'postern_rejected_total',
      'Requests that were refused, by their answer and the reason',
      metrics.rejected.map(({ source, reason, status, count }) => ({
        labels: { source, reason, status: String(status) },
        value: count,
      })),
    ),
    seconds(
      'postern_accept_duration_seconds',
      'From a whole request to its durable record',
      metrics.acceptMs,
    ),
    counter(
      'postern_attempts_total',
      'Tries of deliveries, by how they ended',
      metrics.attempts.map(({ destination, outcome, count }) => ({
        labels: { destination, outcome },
        value: count,
      })),
    ),
    seconds('postern_attempt_duration_seconds', 'How long tries of deliveries took', metrics.attemptMs),
    gauge(
      'postern_secret_last_matched_timestamp_seconds',
      'When a configured secret last matched, to within ten minutes; absent where none has for a year',
      metrics.secrets.flatMap(({ source, name, position, lastMatchedMs }) =>
        lastMatchedMs === undefined
          ? []
          : [{ labels: { source, name, position: String(position) }, value: lastMatchedMs / 1000 }],
      ),
    ),
    ...storeFamilies(metrics),
  ]
}

function storeFamilies({ store, orphaned }: Metrics): readonly Family[] {
  const { destinations, commits } = store
  return [
    gauge('postern_stored_events', 'Events in the store; of very many an estimate', [
      { value: store.events },
    ]),
    gauge(
      'postern_deliveries',
      'Deliveries that are not finished, by destination and state',
      destinations.flatMap(({ name, pending, leased, dead }) =>
        Object.entries({ pending, leased, dead }).map(([state, value]) => ({
          labels: { destination: name, state },
          value,
        })),
      ),
    ),
    gauge(
      'postern_oldest_pending_seconds',
      'Age of the oldest pending delivery of a destination; 0 where none is pending',
      destinations.map(({ name, oldestPendingMs = 0 }) => ({
        labels: { destination: name },
        value: oldestPendingMs / 1000,
      })),
    ),
    gauge(
      'postern_blocked_keys',
      'Ordering keys that wait for a dead delivery',
      destinations.map(({ name, blockedKeys }) => ({ labels: { destination: name }, value: blockedKeys })),
    ),
    gauge(
      'postern_orphaned_destinations',
      'Destinations with unfinished deliveries that nothing here handles',
      [{ value: orphaned.length }],
    ),
    {
      type: 'histogram',
      name: 'postern_commit_operations',
      help: 'How many operations each commit of this process carried',
      histogram: commits.operations,
    },
    seconds(
      'postern_commit_duration_seconds',
      'From handing a commit over to its results',
      commits.durationMs,
    ),
    seconds(
      'postern_commit_sync_duration_seconds',
      'The part of a commit until it is on stable storage; empty where a server does not tell',
      commits.fsyncMs,
    ),
  ]
}

function eventSamples({ accepted }: Metrics): readonly Sample[] {
  return accepted.flatMap(({ source, stored, duplicates, conflicts }) =>
    Object.entries({ stored, duplicate: duplicates, conflict: conflicts }).map(([outcome, value]) => ({
      labels: { source, outcome },
      value,
    })),
  )
}

function counter(name: string, help: string, samples: readonly Sample[]): Family {
  return { type: 'counter', name, help, samples }
}

function gauge(name: string, help: string, samples: readonly Sample[]): Family {
  return { type: 'gauge', name, help, samples }
}

/** Prometheus counts in base units. */
function seconds(name: string, help: string, inMs: Histogram): Family {
  const bounds = inMs.bounds.map((bound) => bound / 1000)
  return { type: 'histogram', name, help, histogram: { ...inMs, bounds, sum: inMs.sum / 1000 } }
}
