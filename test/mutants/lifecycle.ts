import { deliveryAt, showing } from './change.ts'
import type { Mutant } from './world.ts'

export const extendMutants: readonly Mutant[] = [
  {
    name: 'does not extend',
    clause: 'extend/prolongs',
    breaks: () => ({ extend: async (leases) => leases.map(() => 'extended') }),
  },
  {
    name: 'adds to what was left',
    clause: 'extend/prolongs',
    breaks: (store, world) => ({
      extend: async (leases, leaseMs) => {
        const results: ('extended' | 'lost')[] = []
        for (const lease of leases) {
          const { leaseUntilMs } = (await deliveryAt(store, lease.deliverySeq)) ?? {}
          const leftMs = Math.max(0, (leaseUntilMs ?? 0) - world.nowMs)
          results.push(...(await store.extend([lease], leaseMs + leftMs)))
        }
        return results
      },
    }),
  },
  {
    name: 'extends the first of an array only',
    clause: 'extend/prolongs',
    breaks: (store) => ({
      extend: async (leases, leaseMs) => {
        const [first] = await store.extend(leases.slice(0, 1), leaseMs)
        return first ? leases.map(() => first) : []
      },
    }),
  },
  {
    name: 'gives an extended lease another token',
    clause: 'extend/prolongs',
    breaks: (store) => {
      const extended = new Set<number>()
      return {
        extend: async (leases, leaseMs) => {
          for (const { deliverySeq } of leases) extended.add(deliverySeq)
          return store.extend(leases, leaseMs)
        },
        ...showing(store, ({ deliverySeq, token }) => ({
          token: extended.has(deliverySeq) ? token + 1 : token,
        })),
      }
    },
  },
  {
    name: 'extends under any token',
    clause: 'extend/fence',
    breaks: (store) => ({
      extend: async (leases, leaseMs) => {
        const current = await Promise.all(leases.map(({ deliverySeq }) => deliveryAt(store, deliverySeq)))
        return store.extend(
          leases.map(({ deliverySeq }, index) => ({ deliverySeq, token: current[index]?.token ?? 0 })),
          leaseMs,
        )
      },
    }),
  },
  {
    name: 'answers lost as extended',
    clause: 'extend/fence',
    breaks: (store) => ({
      extend: async (leases, leaseMs) => {
        await store.extend(leases, leaseMs)
        return leases.map(() => 'extended')
      },
    }),
  },
  {
    name: 'answers an empty array with something',
    clause: 'extend/fence',
    breaks: (store) => ({
      extend: async (leases, leaseMs) => (leases.length > 0 ? store.extend(leases, leaseMs) : ['lost']),
    }),
  },
]

export const lifecycleMutants: readonly Mutant[] = [
  {
    name: 'answers every move as done',
    clause: 'lifecycle/move',
    breaks: (store) => ({
      move: async (moves) => {
        await store.move(moves)
        return moves.map(() => 'moved')
      },
    }),
  },
  {
    name: 'moves nothing',
    clause: 'lifecycle/move',
    breaks: () => ({ move: async (moves) => moves.map(() => 'illegal') }),
  },
  {
    name: 'redrives to wait for an hour',
    clause: 'lifecycle/move',
    breaks: (store) => {
      const redriven = new Set<number>()
      return {
        move: (moves) => {
          for (const { deliverySeq, to } of moves) if (to === 'redrive') redriven.add(deliverySeq)
          return store.move(moves)
        },
        claim: async (request) =>
          (await store.claim(request)).filter(({ deliverySeq }) => !redriven.has(deliverySeq)),
      }
    },
  },
  {
    name: 'answers a settlement from a wrong state as settled',
    clause: 'lifecycle/settle',
    breaks: (store) => ({
      settle: async (all) => {
        await store.settle(all)
        return all.map(() => ({ result: 'settled' }))
      },
    }),
  },
  {
    name: 'loses every settlement',
    clause: 'lifecycle/settle',
    breaks: (store) => ({
      settle: async (all) => {
        await store.settle(all)
        return all.map(() => ({ result: 'lost' }))
      },
    }),
  },
  {
    name: 'hands out what is done',
    clause: 'lifecycle/claim',
    breaks: (store) => ({
      claim: async (request) => {
        const { deliveries } = await store.list({ of: 'deliveries', limit: 10 })
        const done = deliveries.filter(({ state }) => ['succeeded', 'dead', 'cancelled'].includes(state))
        const events = await Promise.all(done.map(({ eventSeq }) => store.get(eventSeq)))
        const again = done.map((delivery, index) => ({ ...delivery, event: events[index]!.event }))
        return [...(await store.claim(request)), ...again]
      },
    }),
  },
  {
    name: 'claims nothing',
    clause: 'lifecycle/claim',
    breaks: () => ({ claim: async () => [] }),
  },
]
