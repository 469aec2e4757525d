import type { SettleResult } from '../../packages/postern/src/inbox/index.ts'
import type { MemoryStore } from '../../packages/postern/src/stores/memory/index.ts'
import { deliveryAt, showing } from './change.ts'
import type { Mutant, World } from './world.ts'

type Settlements = Parameters<MemoryStore['settle']>[0]
type OneSettlement = Settlements[number]

/** Settles something else than was asked. */
function settling(
  store: MemoryStore,
  change: (settlement: OneSettlement) => OneSettlement | Promise<OneSettlement>,
): Partial<MemoryStore> {
  return { settle: async (all) => store.settle(await Promise.all(all.map(change))) }
}

/** Answers a settle otherwise. */
function answering(
  store: MemoryStore,
  change: (results: SettleResult[], settlements: Settlements) => SettleResult[],
): Partial<MemoryStore> {
  return { settle: async (all) => change(await store.settle(all), all) }
}

/** Hands over each settlement's effects changed. */
function affecting(
  store: MemoryStore,
  change: (effects: readonly (() => void)[]) => readonly (() => void)[],
): Partial<MemoryStore> {
  return settling(store, (settlement) => ({ ...settlement, effects: change(settlement.effects ?? []) }))
}

export const settleMutants: readonly Mutant[] = [
  {
    name: 'takes a success for a retry',
    clause: 'settle/outcome',
    breaks: (store) =>
      settling(store, (settlement) =>
        settlement.outcome.kind === 'succeeded'
          ? { ...settlement, outcome: { kind: 'retry', afterMs: 0, error: '' } }
          : settlement,
      ),
  },
  {
    name: 'takes dead for a retry',
    clause: 'settle/outcome',
    breaks: (store) =>
      settling(store, (settlement) =>
        settlement.outcome.kind === 'dead'
          ? { ...settlement, outcome: { ...settlement.outcome, kind: 'retry', afterMs: 0 } }
          : settlement,
      ),
  },
  {
    name: 'drops the last error',
    clause: 'settle/outcome',
    breaks: (store) => showing(store, () => ({ error: undefined })),
  },
  {
    name: 'drops the last error with a success',
    clause: 'settle/outcome',
    breaks: (store) =>
      showing(store, ({ state, error }) => ({ error: state === 'succeeded' ? undefined : error })),
  },
  {
    name: 'answers backwards',
    clause: 'settle/outcome',
    breaks: (store) => answering(store, (results) => results.toReversed()),
  },
  {
    name: 'answers an empty array with a failure',
    clause: 'settle/outcome',
    breaks: (store) =>
      answering(store, (results) =>
        results.length > 0 ? results : [{ result: 'failed', error: new Error('Nothing to settle') }],
      ),
  },
  {
    name: 'settles every destination of the event',
    clause: 'settle/outcome',
    breaks: (store) => ({
      settle: async (all) => {
        const results = await store.settle(all)
        for (const { deliverySeq } of all) {
          const { eventSeq = 0 } = (await deliveryAt(store, deliverySeq)) ?? {}
          const { deliveries = [] } = (await store.get(eventSeq)) ?? {}
          await store.move(
            deliveries.map((delivery) => ({ deliverySeq: delivery.deliverySeq, to: 'cancel' })),
          )
        }
        return results
      },
    }),
  },
  {
    name: 'keeps the last attempt only',
    clause: 'settle/attempts',
    breaks: (store) => showing(store, ({ attempts }) => ({ attempts: attempts.slice(-1) })),
  },
  {
    name: 'keeps one attempt of a number at a time',
    clause: 'settle/attempts',
    breaks: (store) =>
      showing(store, ({ attempts }) => ({
        attempts: [...new Map(attempts.map((one) => [`${one.number} ${one.endedMs}`, one])).values()],
      })),
  },
  {
    name: 'dates an attempt by the event',
    clause: 'settle/attempts',
    breaks: (store) =>
      showing(store, ({ attempts }, { event }) => ({
        attempts: attempts.map((attempt) => ({ ...attempt, endedMs: event.receivedMs })),
      })),
  },
  {
    name: 'numbers attempts by their rows',
    clause: 'settle/attempts',
    breaks: (store) =>
      showing(store, ({ attempts }) => ({
        attempts: attempts.map((attempt, index) => ({ ...attempt, number: index + 1 })),
      })),
  },
  {
    name: 'records an attempt that was lost',
    clause: 'settle/attempts',
    breaks: (store, { nowMs }) => {
      const lost = new Set<number>()
      const attempt = { number: 1, endedMs: nowMs, durationMs: 1, outcome: 'dead', error: undefined } as const
      return {
        ...answering(store, (results, all) => {
          for (const [index, { result }] of results.entries()) {
            if (result === 'lost') lost.add(all[index]!.deliverySeq)
          }
          return results
        }),
        ...showing(store, ({ deliverySeq, attempts }) => ({
          attempts: lost.has(deliverySeq) ? [...attempts, attempt] : attempts,
        })),
      }
    },
  },
  {
    name: 'ignores the token',
    clause: 'settle/fence',
    breaks: (store) =>
      settling(store, async (settlement) => {
        const current = await deliveryAt(store, settlement.deliverySeq)
        return { ...settlement, token: current?.token ?? 0 }
      }),
  },
  {
    name: 'takes a lower token for lost only',
    clause: 'settle/fence',
    breaks: (store) =>
      settling(store, async (settlement) => {
        const current = await deliveryAt(store, settlement.deliverySeq)
        return { ...settlement, token: Math.min(settlement.token, current?.token ?? 0) }
      }),
  },
  {
    name: 'answers lost as settled',
    clause: 'settle/fence',
    breaks: (store) => answering(store, (results) => results.map(() => ({ result: 'settled' }))),
  },
  {
    name: 'runs effects before the fence',
    clause: 'settle/fence',
    breaks: (store) => ({
      settle: (all) => {
        for (const { effects = [] } of all) for (const effect of effects) effect()
        return store.settle(all.map(({ effects: _effects, ...settlement }) => settlement))
      },
    }),
  },
  {
    name: 'loses a lease that ended, though nobody has claimed since',
    clause: 'settle/fence',
    breaks: (store, world) =>
      settling(store, async (settlement) => {
        const current = await deliveryAt(store, settlement.deliverySeq)
        const hasEnded = (current?.leaseUntilMs ?? Infinity) <= world.nowMs
        return hasEnded ? { ...settlement, token: -1 } : settlement
      }),
  },
  {
    name: 'lets the last of two settlements count',
    clause: 'settle/fence',
    breaks: (store) => ({
      settle: async (all) => (await store.settle(all.toReversed())).toReversed(),
    }),
  },
  {
    name: 'refuses what is no whole number of milliseconds',
    clause: 'settle/retry',
    breaks: (store) => ({
      settle: async (all) => {
        for (const { outcome, durationMs } of all) {
          const times = [durationMs, outcome.kind === 'retry' ? outcome.afterMs : 0]
          if (!times.every(Number.isInteger)) throw new Error('cannot store REAL value in INTEGER column')
        }
        return store.settle(all)
      },
    }),
  },
  {
    name: 'retries at once',
    clause: 'settle/retry',
    breaks: (store) =>
      settling(store, (settlement) =>
        settlement.outcome.kind === 'retry'
          ? { ...settlement, outcome: { ...settlement.outcome, afterMs: 0 } }
          : settlement,
      ),
  },
  {
    name: 'takes seconds for milliseconds',
    clause: 'settle/retry',
    breaks: (store) =>
      settling(store, (settlement) =>
        settlement.outcome.kind === 'retry'
          ? { ...settlement, outcome: { ...settlement.outcome, afterMs: settlement.outcome.afterMs * 1000 } }
          : settlement,
      ),
  },
  {
    name: 'retries no earlier than in a minute',
    clause: 'settle/retry',
    breaks: (store) =>
      settling(store, (settlement) =>
        settlement.outcome.kind === 'retry'
          ? {
              ...settlement,
              outcome: { ...settlement.outcome, afterMs: Math.max(60_000, settlement.outcome.afterMs) },
            }
          : settlement,
      ),
  },
  {
    name: 'waits with everything while one waits for its retry',
    clause: 'settle/retry',
    breaks: (store, world) => ({
      claim: async (request) => {
        const { deliveries } = await store.list({ of: 'deliveries', state: 'pending', limit: 1000 })
        return deliveries.some(({ dueMs }) => dueMs > world.nowMs) ? [] : store.claim(request)
      },
    }),
  },
  {
    name: 'counts what was given back',
    clause: 'settle/released',
    breaks: (store) =>
      settling(store, (settlement) =>
        settlement.outcome.kind === 'released'
          ? { ...settlement, outcome: { kind: 'retry', afterMs: 0, error: 'released' } }
          : settlement,
      ),
  },
  {
    name: 'starts counting anew after a release',
    clause: 'settle/released',
    breaks: (store) => {
      const released = new Set<number>()
      return {
        ...settling(store, (settlement) => {
          if (settlement.outcome.kind === 'released') released.add(settlement.deliverySeq)
          return settlement
        }),
        claim: async (request) =>
          (await store.claim(request)).map((claimed) =>
            released.has(claimed.deliverySeq) ? { ...claimed, attempt: 1 } : claimed,
          ),
      }
    },
  },
  {
    name: 'drops effects',
    clause: 'settle/effects',
    breaks: (store) => affecting(store, () => []),
  },
  {
    name: 'cuts what an effect writes at NUL',
    clause: 'settle/effects',
    breaks: (store, world) =>
      affecting(store, (effects) =>
        effects.map((effect) => () => {
          effect()
          const { name = '' } = world.seen.pop() ?? {}
          world.seen.push({ name: name.replace(/\0.*/s, '') })
        }),
      ),
  },
  {
    name: 'runs effects backwards',
    clause: 'settle/effects',
    breaks: (store) => affecting(store, (effects) => effects.toReversed()),
  },
  {
    name: 'runs the settlements backwards',
    clause: 'settle/effects',
    breaks: (store) => ({
      settle: async (all) => (await store.settle(all.toReversed())).toReversed(),
    }),
  },
  {
    name: 'adds an effect of its own',
    clause: 'settle/effects',
    breaks: (store, world) =>
      affecting(store, (effects) => [...effects, () => void world.seen.push({ name: 'own' })]),
  },
  {
    name: 'settles before effects, whatever becomes of them',
    clause: 'settle/all-or-nothing',
    breaks: (store) => ({
      settle: async (all) => {
        const results = await store.settle(all.map(({ effects: _effects, ...settlement }) => settlement))
        return results.map((result, index) => {
          try {
            if (result.result === 'settled') for (const effect of all[index]!.effects ?? []) effect()
            return result
          } catch {
            return { result: 'failed', error: new Error('An effect failed') }
          }
        })
      },
    }),
  },
  {
    name: 'passes over an effect that fails',
    clause: 'settle/all-or-nothing',
    breaks: (store) =>
      affecting(store, (effects) =>
        effects.map((effect) => () => {
          try {
            effect()
          } catch {
            // The mutant's point: nobody learns of it.
          }
        }),
      ),
  },
  {
    name: 'leaves what the effects before the failed one did',
    clause: 'settle/effects-undone',
    breaks: (store, world) => ({
      settle: async (all) => {
        const written: World['seen'] = []
        const results = await store.settle(
          all.map((settlement) => ({
            ...settlement,
            effects: (settlement.effects ?? []).map((effect) => () => {
              effect()
              written.push(world.seen.at(-1)!)
            }),
          })),
        )
        world.seen = [...new Set([...world.seen, ...written])]
        return results
      },
    }),
  },
  {
    name: 'fails the neighbours of what fails',
    clause: 'settle/independent',
    breaks: (store) =>
      answering(store, (results) => {
        const failed = results.find(({ result }) => result === 'failed')
        return failed ? results.map(() => failed) : results
      }),
  },
  {
    name: 'fails what is settled beside a failure',
    clause: 'settle/independent',
    breaks: (store) => {
      let failed: SettleResult | undefined
      return answering(store, (results) => {
        failed ??= results.find(({ result }) => result === 'failed')
        return failed ? results.map(() => failed!) : results
      })
    },
  },
]
