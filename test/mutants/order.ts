import type {
  Claimed,
  ClaimRequest,
  Move,
  MoveResult,
  NewEvent,
  OnDead,
} from '../../packages/postern/src/inbox/index.ts'
import type { MemoryStore } from '../../packages/postern/src/stores/memory/index.ts'
import { allDeliveries, choosing, deliveryAt, freshBytes, hex, putting, showing } from './change.ts'
import { deafTo, releaseAll, withinLimits } from './claim.ts'
import { asking, counting, without } from './read.ts'
import { within, type Mutant } from './world.ts'

/** Moves otherwise than was asked. */
function moving(store: MemoryStore, change: (move: Move) => Move): Partial<MemoryStore> {
  return { move: (moves) => store.move(moves.map(change)) }
}

/** Takes some moves into its own hands. */
function stepping(
  store: MemoryStore,
  step: (move: Move) => Promise<MoveResult | undefined>,
): Partial<MemoryStore> {
  return {
    move: async (moves) => {
      const results: MoveResult[] = []
      for (const move of moves) results.push((await step(move)) ?? (await store.move([move]))[0]!)
      return results
    },
  }
}

/** Chooses by another order than the store's, within the limits. */
function sorting(store: MemoryStore, rank: (claimed: Claimed) => number | string): Partial<MemoryStore> {
  return choosing(store, (claimed, limits) => {
    const ranked = claimed.map((lease) => ({ lease, by: rank(lease) }))
    const sorted = ranked.toSorted((left, right) => (left.by < right.by ? -1 : left.by > right.by ? 1 : 0))
    return withinLimits(
      sorted.map(({ lease }) => lease),
      limits,
    )
  })
}

function withoutOrder(event: NewEvent): NewEvent {
  return { ...event, onDead: undefined }
}

function always(onDead: OnDead): (event: NewEvent) => NewEvent {
  return (event) => (event.onDead === undefined ? event : { ...event, onDead })
}

export const orderMutants: readonly Mutant[] = [
  ...within(
    [
      'order/one-at-a-time',
      'order/sequence',
      'order/retry',
      'order/block',
      'order/operated',
      'order/extend',
      'put/lease-in-line',
      'durable',
    ],
    { name: 'keeps no order', breaks: (store) => putting(store, withoutOrder) },
  ),
  ...within(['order/block', 'order/prune', 'put/lease-in-line'], {
    name: 'lets the dead never block',
    breaks: (store) => putting(store, always('continue')),
  }),
  ...within(['order/continue', 'put/lease-in-line'], {
    name: 'lets the dead always block',
    breaks: (store) => putting(store, always('block')),
  }),
  ...within(['order/one-at-a-time', 'put/lease-in-line'], {
    name: 'lets the next pass where a lease has ended',
    breaks: (store, world) => {
      const lost: Claimed[] = []
      return {
        claim: async (request) => {
          for (const { deliverySeq, token } of lost.splice(0)) {
            const { leaseUntilMs = Infinity } = (await deliveryAt(store, deliverySeq)) ?? {}
            const outcome = { kind: 'retry', afterMs: 0, error: 'lost' } as const
            if (leaseUntilMs <= world.nowMs)
              await store.settle([{ deliverySeq, token, outcome, durationMs: 0 }])
          }
          const claimed = await store.claim(request)
          lost.push(...claimed)
          const ended = new Set(claimed.filter(({ attempt }) => attempt > 1).map(({ event }) => event.id))
          return claimed.filter(({ event }) => !ended.has(event.id))
        },
      }
    },
  }),
  {
    name: 'takes lost for settled, and lets the next pass',
    clause: 'order/one-at-a-time',
    breaks: (store) => ({
      settle: async (settlements) => {
        const current = await Promise.all(
          settlements.map(({ deliverySeq }) => deliveryAt(store, deliverySeq)),
        )
        return store.settle(
          settlements.map((settlement, index) => ({ ...settlement, token: current[index]?.token ?? 0 })),
        )
      },
    }),
  },
  {
    name: 'stores an array backwards',
    clause: 'order/sequence',
    breaks: (store) => ({ put: async (events) => (await store.put(events.toReversed())).toReversed() }),
  },
  {
    name: 'settles though an effect fails',
    clause: 'order/sequence',
    breaks: (store) => ({
      settle: (all) => store.settle(all.map(({ effects: _effects, ...settlement }) => settlement)),
    }),
  },
  {
    name: 'moves what was given back to the end of its line',
    clause: 'order/sequence',
    breaks: (store) => ({
      settle: async (all) => {
        const results = await store.settle(all)
        for (const { deliverySeq, outcome } of all) {
          const delivery = await deliveryAt(store, deliverySeq)
          if (outcome.kind !== 'released' || delivery === undefined) continue
          await store.replay([{ eventSeq: delivery.eventSeq, destinations: [delivery.destination] }])
          await store.move([{ deliverySeq, to: 'cancel' }])
        }
        return results
      },
    }),
  },
  {
    name: 'holds up every key while one waits for its retry',
    clause: 'order/retry',
    breaks: (store, world) => ({
      claim: async (request) => {
        const waiting = (await allDeliveries(store)).filter(({ state }) => state === 'pending')
        return waiting.some(({ dueMs }) => dueMs > world.nowMs) ? [] : store.claim(request)
      },
    }),
  },
  {
    name: 'has one line for all keys',
    clause: 'order/apart',
    breaks: (store) =>
      putting(store, (event) => (event.orderingKey === undefined ? event : { ...event, orderingKey: 'all' })),
  },
  ...(['tenant', 'source'] as const).map((name): Mutant => ({
    name: `has one line for a key, whatever its ${name}`,
    clause: 'order/apart',
    breaks: (store) => putting(store, (event) => ({ ...event, [name]: 'all' })),
  })),
  {
    name: 'has one line for a key, whatever its destination',
    clause: 'order/apart',
    breaks: (store) => ({
      claim: async (request) => {
        const all = await allDeliveries(store)
        const dead = new Set(
          all.filter(({ state }) => state === 'dead').map(({ orderingKey }) => orderingKey),
        )
        return (await store.claim(request)).filter(({ event }) => !dead.has(event.orderingKey))
      },
    }),
  },
  {
    name: 'runs the names of a line together',
    clause: 'order/apart',
    breaks: (store) =>
      putting(store, (event) => ({ ...event, tenant: '', source: event.tenant + event.source })),
  },
  {
    name: 'takes an empty key for none',
    clause: 'order/apart',
    breaks: (store) => putting(store, (event) => ({ ...event, orderingKey: event.orderingKey || undefined })),
  },
  ...within(['order/unordered', 'order/shown'], {
    name: 'keeps order though nobody asks',
    breaks: (store) => putting(store, (event) => ({ ...event, onDead: event.onDead ?? 'block' })),
  }),
  {
    name: 'makes a line of what has no key',
    clause: 'order/unordered',
    breaks: (store) => putting(store, (event) => ({ ...event, orderingKey: event.orderingKey ?? '' })),
  },
  {
    name: 'says no key of a delivery',
    clause: 'order/shown',
    breaks: (store) => showing(store, () => ({ orderingKey: undefined })),
  },
  {
    name: 'counts heads of lines only',
    clause: 'order/shown',
    breaks: (store) => counting(store, (stat) => ({ ...stat, pending: Math.min(1, stat.pending) })),
  },
  {
    name: 'shows nothing that blocks',
    clause: 'order/block',
    breaks: (store) => asking(store, (query) => without(query, 'blocking')),
  },
  {
    name: 'counts every dead one as a blocked key',
    clause: 'order/continue',
    breaks: (store) => counting(store, (stat) => ({ ...stat, blockedKeys: stat.dead })),
  },
  {
    name: 'counts what waits behind as blocked keys',
    clause: 'order/block',
    breaks: (store) =>
      counting(store, (stat) => ({ ...stat, blockedKeys: stat.blockedKeys > 0 ? stat.pending : 0 })),
  },
  {
    name: 'discards in word only',
    clause: 'order/block',
    breaks: (store) => stepping(store, async ({ to }) => (to === 'discard' ? 'moved' : undefined)),
  },
  {
    name: 'redrives to the end of the line',
    clause: 'order/block',
    breaks: (store) =>
      stepping(store, async ({ deliverySeq, to }) => {
        const delivery = await deliveryAt(store, deliverySeq)
        if (to !== 'redrive' || delivery?.state !== 'dead') return undefined
        await store.move([{ deliverySeq, to: 'discard' }])
        await store.replay([{ eventSeq: delivery.eventSeq, destinations: [delivery.destination] }])
        return 'moved'
      }),
  },
  ...within(['order/continue', 'order/operated', 'order/prune', 'put/lease-in-line', 'durable'], {
    name: 'redrives what was overtaken',
    breaks: (store) => moving(store, (move) => ({ ...move, force: true })),
  }),
  {
    name: 'cannot be forced',
    clause: 'order/continue',
    breaks: (store) => moving(store, ({ force: _force, ...move }) => move),
  },
  {
    name: 'refuses every redrive in a line',
    clause: 'order/continue',
    breaks: (store) =>
      stepping(store, async ({ to, force }) =>
        to === 'redrive' && force !== true ? 'overtaken' : undefined,
      ),
  },
  {
    name: 'counts what overtook in any line',
    clause: 'order/continue',
    breaks: (store) =>
      stepping(store, async ({ deliverySeq, to, force }) => {
        const later = (await allDeliveries(store)).filter((delivery) => delivery.deliverySeq > deliverySeq)
        const isOvertaken = later.some(({ token }) => token > 0)
        return to === 'redrive' && force !== true && isOvertaken ? 'overtaken' : undefined
      }),
  },
  {
    name: 'forces a lifecycle that has no such step',
    clause: 'order/continue',
    breaks: (store) =>
      stepping(store, async (move) => {
        const [result] = await store.move([move])
        return move.force === true && result === 'illegal' ? 'moved' : result
      }),
  },
  {
    name: 'forces for ever what was forced once',
    clause: 'order/continue',
    breaks: (store) => {
      const forced = new Set<number>()
      return moving(store, (move) => {
        if (move.force === true) forced.add(move.deliverySeq)
        return forced.has(move.deliverySeq) ? { ...move, force: true } : move
      })
    },
  },
  {
    name: 'runs what is forced beside what runs',
    clause: 'order/continue',
    breaks: (store) => {
      const forced = new Set<number>()
      return {
        move: (moves) => {
          for (const { deliverySeq, force } of moves) if (force === true) forced.add(deliverySeq)
          return store.move(moves)
        },
        claim: async (request) => {
          const claimed = await store.claim(request)
          for (const delivery of await allDeliveries(store)) {
            if (!forced.has(delivery.deliverySeq) || delivery.state !== 'pending') continue
            const { event } = (await store.get(delivery.eventSeq))!
            claimed.push({ ...delivery, event })
          }
          return claimed
        },
      }
    },
  },
  {
    name: 'discards nothing that was overtaken',
    clause: 'order/continue',
    breaks: (store) =>
      stepping(store, async (move) => {
        if (move.to !== 'discard') return undefined
        const later = (await allDeliveries(store)).filter(({ deliverySeq }) => deliverySeq > move.deliverySeq)
        return later.some(({ token }) => token > 0) ? 'overtaken' : undefined
      }),
  },
  {
    name: 'goes by the first event of a key',
    clause: 'order/policy',
    breaks: (store) => {
      const first = new Map<string, OnDead>()
      return putting(store, (event) => {
        if (event.onDead === undefined) return event
        const onDead = first.get(event.orderingKey ?? '') ?? event.onDead
        first.set(event.orderingKey ?? '', onDead)
        return { ...event, onDead }
      })
    },
  },
  {
    name: 'lets pass at once what was blocked',
    clause: 'order/policy',
    breaks: (store) => ({
      put: async (events) => {
        const results = await store.put(events)
        if (!events.some(({ onDead }) => onDead === 'continue')) return results
        const { deliveries } = await store.list({ of: 'deliveries', blocking: true, limit: 10 })
        await store.move(deliveries.map(({ deliverySeq }) => ({ deliverySeq, to: 'discard' })))
        return results
      },
    }),
  },
  {
    name: 'goes by the event that was replayed',
    clause: 'order/policy',
    breaks: (store) => {
      const stored = new Map<number, NewEvent>()
      return {
        put: async (events) => {
          const results = await store.put(events)
          results.forEach((result, index) => {
            if (result.outcome === 'stored') stored.set(result.eventSeq, events[index]!)
          })
          return results
        },
        replay: async (replays) => {
          for (const { eventSeq } of replays) {
            const [result] = await store.put([{ ...stored.get(eventSeq)!, id: hex(freshBytes()) }])
            const [delivery] =
              result?.outcome === 'stored' ? (await store.get(result.eventSeq))!.deliveries : []
            await store.move([{ deliverySeq: delivery!.deliverySeq, to: 'cancel' }])
          }
          return store.replay(replays)
        },
      }
    },
  },
  {
    name: 'cancels in word only',
    clause: 'order/operated',
    breaks: (store) => stepping(store, async ({ to }) => (to === 'cancel' ? 'moved' : undefined)),
  },
  {
    name: 'replays the last of a call first',
    clause: 'order/operated',
    breaks: (store) => ({
      replay: async (replays) => (await store.replay(replays.toReversed())).toReversed(),
    }),
  },
  {
    name: 'claims what stands in line last',
    clause: 'order/fair',
    breaks: (store) => sorting(store, ({ event }) => (event.orderingKey === undefined ? 0 : 1)),
  },
  {
    name: 'claims by key where times are equal',
    clause: 'order/fair',
    breaks: (store) => sorting(store, ({ event }) => event.orderingKey ?? ''),
  },
  {
    name: 'claims what lost its worker last',
    clause: 'order/fair',
    breaks: (store) => sorting(store, ({ attempt }) => attempt),
  },
  {
    name: 'claims the heads of all lines, whatever the limit',
    clause: 'order/fair',
    breaks: (store) =>
      choosing(store, (claimed, limits) => {
        const heads = claimed.filter(({ event }) => event.orderingKey !== undefined)
        return [
          ...heads,
          ...withinLimits(
            claimed.filter((lease) => !heads.includes(lease)),
            limits,
          ),
        ]
      }),
  },
  ...(['put', 'settle', 'move'] as const).map((verb): Mutant => ({
    name: `is not woken by a ${verb} in a line, nor by time`,
    clause: 'order/wait',
    breaks: (store) => deafTo(store, verb),
  })),
  {
    name: 'does not extend',
    clause: 'order/extend',
    breaks: () => ({ extend: async (leases) => leases.map(() => 'extended') }),
  },
  {
    name: 'extends whatever runs in the line',
    clause: 'order/extend',
    breaks: (store) => ({
      extend: async (leases, leaseMs) => {
        const results = await store.extend(leases, leaseMs)
        const leased = (await allDeliveries(store)).filter(({ state }) => state === 'leased')
        await store.extend(leased, leaseMs)
        return results
      },
    }),
  },
  {
    name: 'keeps no order once it has pruned',
    clause: 'order/prune',
    breaks: (store) => {
      let hasPruned = false
      return {
        put: (events) => store.put(hasPruned ? events.map(withoutOrder) : events),
        prune: (request) => {
          hasPruned = true
          return store.prune(request)
        },
      }
    },
  },
  {
    name: 'gives back every lease when it prunes',
    clause: 'order/prune',
    breaks: (store) => ({
      prune: async (request) => {
        await releaseAll(store)
        return store.prune(request)
      },
    }),
  },
  {
    name: 'discards what blocks when it prunes',
    clause: 'order/prune',
    breaks: (store) => ({
      prune: async (request) => {
        const { deliveries } = await store.list({ of: 'deliveries', blocking: true, limit: 10 })
        await store.move(deliveries.map(({ deliverySeq }) => ({ deliverySeq, to: 'discard' })))
        return store.prune(request)
      },
    }),
  },
]

/** Asks for leases that are kept otherwise. */
function keeping(store: MemoryStore, change: (request: ClaimRequest) => number): Partial<MemoryStore> {
  return { claim: (request) => store.claim({ ...request, keepMs: change(request) }) }
}

export const keepMutants: readonly Mutant[] = [
  { name: 'keeps no lease', clause: 'claim/keep', breaks: (store) => keeping(store, () => 0) },
  {
    name: 'keeps for ever what it keeps',
    clause: 'claim/keep',
    breaks: (store) => keeping(store, ({ keepMs = 0 }) => (keepMs > 0 ? Infinity : 0)),
  },
  {
    name: 'keeps every lease once it has kept one',
    clause: 'claim/keep',
    breaks: (store) => {
      let longestMs = 0
      return keeping(store, ({ keepMs = 0 }) => (longestMs = Math.max(longestMs, keepMs)))
    },
  },
  {
    name: 'keeps leases at the pace of the longest',
    clause: 'claim/keep',
    breaks: (store) => {
      let longestMs = 0
      return keeping(store, ({ leaseMs, keepMs = 0 }) => {
        longestMs = Math.max(longestMs, leaseMs)
        return leaseMs < longestMs ? 0 : keepMs
      })
    },
  },
]
