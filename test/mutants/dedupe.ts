import type { NewEvent } from '../../packages/postern/src/inbox/index.ts'
import { answering, freshBytes, handingOut, hex, incomparable, nameOf, putting, salted } from './change.ts'
import type { Mutant } from './world.ts'

export const dedupeMutants: readonly Mutant[] = [
  {
    name: 'forgets the body key',
    clause: 'put/body-key',
    breaks: (store) => putting(store, (event) => ({ ...event, idKind: 'signed' })),
  },
  {
    name: 'guards every body',
    clause: 'put/body-key',
    breaks: (store) =>
      putting(store, (event) => (event.idKind === 'signed' ? { ...event, idKind: 'unsigned' } : event)),
  },
  {
    name: 'sees a conflict where the body is known',
    clause: 'put/body-key',
    breaks: (store) => {
      const known = new Set<string>()
      return putting(store, (event) => {
        const isKnown = known.has(nameOf(event))
        known.add(nameOf(event))
        return isKnown ? { ...event, idKind: 'signed' } : event
      })
    },
  },
  {
    name: 'takes a conflict for a duplicate',
    clause: 'put/conflict',
    breaks: (store) =>
      answering(store, (result) =>
        result.outcome === 'conflict'
          ? { outcome: 'duplicate', eventSeq: result.conflictsWith, deliveries: [] }
          : result,
      ),
  },
  {
    name: 'delivers a conflict',
    clause: 'put/conflict',
    breaks: (store) =>
      answering(store, async (result, { destinations }) => {
        if (result.outcome === 'conflict') await store.replay([{ eventSeq: result.eventSeq, destinations }])
        return result
      }),
  },
  {
    name: 'does not flag a conflict',
    clause: 'put/conflict',
    breaks: (store) => handingOut(store, (event) => ({ ...event, conflictsWith: undefined })),
  },
  {
    name: 'does not remember a conflict',
    clause: 'put/conflict',
    breaks: (store) =>
      answering(store, async (result, event) => {
        if (result.outcome !== 'duplicate') return result
        const { conflictsWith } = (await store.get(result.eventSeq))?.event ?? {}
        return conflictsWith === undefined
          ? result
          : (await store.put([{ ...event, body: freshBytes() }]))[0]!
      }),
  },
  {
    name: 'remembers the conflict in the place of the first',
    clause: 'put/conflict',
    breaks: (store) => {
      const latest = new Map<string, NewEvent>()
      return answering(store, async (result, event) => {
        const last = latest.get(nameOf(event))
        if (result.outcome === 'conflict') latest.set(nameOf(event), event)
        if (result.outcome !== 'duplicate' || last === undefined || hex(last.body) === hex(event.body))
          return result
        return (await store.put([{ ...event, body: freshBytes() }]))[0]!
      })
    },
  },
  {
    name: 'takes a third body for the second',
    clause: 'put/conflict',
    breaks: (store) => {
      const second = new Map<string, number>()
      return answering(store, (result, { source, id }) => {
        const known = second.get(source + id)
        if (result.outcome !== 'conflict') return result
        second.set(source + id, result.eventSeq)
        return known === undefined ? result : { outcome: 'duplicate', eventSeq: known, deliveries: [] }
      })
    },
  },
  {
    name: 'knows a conflict by its body in every source',
    clause: 'put/conflict',
    breaks: (store) => {
      const conflicts = new Map<string, number>()
      return answering(store, (result, event) => {
        const eventSeq = conflicts.get(hex(event.body))
        if (result.outcome === 'conflict') conflicts.set(hex(event.body), result.eventSeq)
        if (result.outcome !== 'stored' || eventSeq === undefined) return result
        return { outcome: 'duplicate', eventSeq, deliveries: [] }
      })
    },
  },
  {
    name: 'replaces the first by the conflict',
    clause: 'put/conflict',
    breaks: (store) => {
      const replaced = new Map<number, Uint8Array>()
      return {
        ...answering(store, (result, { body }) => {
          if (result.outcome === 'conflict') replaced.set(result.conflictsWith, body)
          return result
        }),
        ...handingOut(store, (event) => ({ ...event, body: replaced.get(event.eventSeq) ?? event.body })),
      }
    },
  },
  {
    name: 'never forgets',
    clause: 'put/window',
    breaks: (store) => putting(store, (event) => ({ ...event, dedupeWindowMs: Infinity })),
  },
  {
    name: 'forgets in half the time',
    clause: 'put/window',
    breaks: (store) => putting(store, (event) => ({ ...event, dedupeWindowMs: event.dedupeWindowMs / 2 })),
  },
  {
    name: 'has one window for all',
    clause: 'put/window',
    breaks: (store) => putting(store, (event) => ({ ...event, dedupeWindowMs: 3_600_000 })),
  },
  {
    name: 'prolongs the window with every copy',
    clause: 'put/window',
    breaks: (store, world) => {
      const windows = new Map<string, { round: number; endsMs: number }>()
      return putting(store, (event) => {
        const last = windows.get(nameOf(event)) ?? { round: 0, endsMs: 0 }
        const round = world.nowMs < last.endsMs ? last.round : last.round + 1
        windows.set(nameOf(event), { round, endsMs: world.nowMs + event.dedupeWindowMs })
        return { ...salted(event, `${round}`), dedupeWindowMs: Infinity }
      })
    },
  },
  {
    name: 'remembers an id only the first time',
    clause: 'put/window',
    breaks: (store) => {
      const firsts = new Map<string, number>()
      return answering(store, async (result, event) => {
        const name = nameOf(event)
        if (result.outcome === 'stored' && !firsts.has(name)) firsts.set(name, result.eventSeq)
        if (result.outcome !== 'duplicate' || firsts.get(name) === result.eventSeq) return result
        return (await store.put([incomparable(event)]))[0]!
      })
    },
  },
  {
    name: 'remembers a body for ever',
    clause: 'put/window',
    breaks: (store) => {
      const bodies = new Map<string, number>()
      return answering(store, (result, { body, idKind }) => {
        if (result.outcome !== 'stored' || idKind === 'signed') return result
        const eventSeq = bodies.get(hex(body))
        bodies.set(hex(body), result.eventSeq)
        return eventSeq === undefined ? result : { outcome: 'duplicate', eventSeq, deliveries: [] }
      })
    },
  },
]
