import type { Edit } from './patched-product.ts'
import type { StoreBug } from './simulate.ts'

/** A bug that the simulation must find. */
export interface PlantedBug {
  /** Completes: "an inbox that …". */
  readonly name: string
  readonly edits?: readonly Edit[]
  readonly store?: StoreBug
  /** What the oracle has to say of it. */
  readonly found: RegExp
}

const CLAIM = 'stores/memory/claim.ts'
const LANE = 'stores/memory/lane.ts'
const OPERATE = 'stores/memory/operate.ts'
const PUT = 'stores/memory/put.ts'
const SETTLE = 'stores/memory/settle.ts'
const ATTEMPT = 'worker/attempt.ts'
const WORKER = 'worker/worker.ts'
const RECEIVER = 'receive/receiver.ts'
const GROUP_COMMIT = 'inbox/group-commit.ts'

export const plantedBugs: readonly PlantedBug[] = [
  {
    name: 'answers before the commit is on disk',
    store: { answersEarly: ['put'] },
    found: /200 and is not durable/,
  },
  {
    name: 'answers a copy while the first one is not on disk',
    store: { dedupesEarly: true },
    found: /200 and is not durable|before its delivery succeeded/,
  },
  {
    name: 'takes a delivery for settled before that is on disk',
    store: { answersEarly: ['settle'] },
    found: /before its delivery succeeded/,
  },
  {
    name: 'takes a failed commit for a good one',
    edits: [
      {
        file: GROUP_COMMIT,
        find: 'for (const { reject } of batch) reject(error)',
        replace: "for (const { resolve } of batch) resolve({ outcome: 'stored', eventSeq: 1 } as Result)",
      },
    ],
    found: /200 and is not durable|before its delivery succeeded/,
  },
  {
    name: 'leaves what has gathered during a commit until something else comes',
    edits: [
      {
        file: GROUP_COMMIT,
        find: 'this.#handOver()\n    this.#announceIdle()',
        replace: 'this.#announceIdle()',
      },
    ],
    found: /answered 503 after|left lying|does not stop|came to rest/,
  },
  {
    name: 'answers 200 where the commit takes too long',
    edits: [
      {
        file: RECEIVER,
        find: "HANDLED_MARGIN_MS)\n        return this.refuse(name, 'store_unavailable', request)",
        replace: 'HANDLED_MARGIN_MS)\n        return RECEIVED',
      },
    ],
    found: /200 and is not durable|before its delivery succeeded/,
  },
  {
    name: 'waits for a slow commit as long as it takes',
    edits: [
      {
        file: 'receive/recordings.ts',
        find: 'const ANSWER_WITHIN_MS = 2500',
        replace: 'const ANSWER_WITHIN_MS = 60_000',
      },
    ],
    found: /was answered \d+ after \d+ ms/,
  },
  {
    name: 'answers a copy 200 while the handler of the first is at work',
    edits: [
      {
        file: RECEIVER,
        find: "return mine.length === 0 || isOver ? undefined : 'in_progress'",
        replace: 'return isOver ? undefined : undefined',
      },
    ],
    found: /before its delivery succeeded/,
  },
  {
    name: 'answers a dispatched conflict 200 before its turn',
    edits: [
      {
        file: RECEIVER,
        find: "if (put.outcome !== 'duplicate') return isWaiting ? 'in_progress' : undefined",
        replace: "if (put.outcome === 'conflict') return undefined",
      },
    ],
    found: /before its delivery succeeded/,
  },
  {
    name: 'waits for a handled event beyond the time of its sender',
    edits: [
      {
        file: RECEIVER,
        find: "valueWithin(handled, leftMs - ANSWER_MARGIN_MS, 'in_progress')",
        replace: 'handled',
      },
    ],
    found: /was answered \d+ after \d+ ms/,
  },
  {
    name: 'remembers no id',
    edits: [
      {
        file: PUT,
        find: 'remember(tables, event, fingerprint, fingerprint.records, eventSeq, nowMs)',
        replace: 'remember(tables, event, fingerprint, [], eventSeq, nowMs)',
      },
    ],
    found: /is stored twice|events that are no conflict/,
  },
  {
    name: 'settles without looking at the token',
    edits: [
      {
        file: SETTLE,
        find: "row?.state === 'leased' && row.token === token",
        replace: "row?.state === 'leased'",
      },
    ],
    found: /with an old token/,
  },
  {
    name: 'never ends a lease',
    edits: [
      {
        file: CLAIM,
        find: 'return leased.takeDue(nowMs) ?? pending.takeDue(nowMs)',
        replace: 'return leased.takeDue(0) ?? pending.takeDue(nowMs)',
      },
    ],
    found: /leased, is left lying|came to rest/,
  },
  {
    name: 'ends a lease before its time',
    edits: [{ file: CLAIM, find: 'nowMs + request.leaseMs', replace: 'nowMs + request.leaseMs / 100' }],
    found: /while its lease held/,
  },
  {
    name: 'counts no attempts',
    edits: [{ file: CLAIM, find: 'const attempt = row.attempt + 1', replace: 'const attempt = 1' }],
    found: /came to rest/,
  },
  {
    name: 'writes the effects of a failed attempt',
    edits: [
      {
        file: ATTEMPT,
        find: 'schedule, random), effects: [], error }',
        replace: 'schedule, random), effects, error }',
      },
    ],
    found: /effects are there/,
  },
  {
    name: 'takes a handler that is beyond its deadline for done',
    edits: [{ file: ATTEMPT, find: 'abort.onAbort = fail', replace: 'abort.onAbort = succeed' }],
    found: /effects are there/,
  },
  {
    name: 'lets the next of a key run while the first one does',
    edits: [
      {
        file: LANE,
        find: 'return this.#leasedSeq ?? this.#open[0]',
        replace: 'return this.#open.find((seq) => seq !== this.#leasedSeq)',
      },
    ],
    found: /runs beside|runs while|left lying/,
  },
  {
    name: 'lets a key pass its dead delivery',
    edits: [
      { file: SETTLE, find: "blocks: outcome.kind === 'dead' && blocksWhenDead", replace: 'blocks: false' },
    ],
    found: /acknowledged before it came, is dead/,
  },
  {
    name: 'redrives out of order',
    edits: [
      {
        file: OPERATE,
        find: 'isOvertaken && force !== true',
        replace: 'isOvertaken && force === undefined && false',
      },
    ],
    found: /which came later/,
  },
  {
    name: 'hands a request its delivery before its turn',
    edits: [
      { file: PUT, find: '|| !isTurnOf(tables, newest)', replace: '|| (false && !isTurnOf(tables, newest))' },
    ],
    found: /runs beside|runs while/,
  },
  {
    name: 'deletes events whose deliveries are not over',
    edits: [
      {
        file: OPERATE,
        find: "state === 'succeeded' || state === 'cancelled'",
        replace: "state === 'succeeded' || state === 'cancelled' || state === 'dead'",
      },
    ],
    found: /was pruned with a delivery/,
  },
  {
    name: 'loses the wake-up when a full destination has a place again',
    edits: [
      {
        file: WORKER,
        find: 'names.has(destination) === false) this',
        replace: 'names.has(destination) === undefined) this',
      },
    ],
    found: /left lying|came to rest/,
  },
  {
    name: 'never frees a place',
    edits: [
      {
        file: WORKER,
        find: 'this.#giveBackPlace(claimed.destination)\n      }\n      this.#settling',
        replace: '}\n      this.#settling',
      },
    ],
    found: /left lying|came to rest|does not stop/,
  },
  {
    name: 'drops at a stop what is running',
    edits: [
      {
        file: WORKER,
        find: 'while (this.#running.size > 0) await this.#finished.next()\n    clearTimeout(graceEnds)',
        replace: 'clearTimeout(graceEnds)',
      },
    ],
    found: /a stop (left|took)|after the stop/,
  },
  {
    name: 'stops without waiting for the requests that it is answering',
    edits: [
      {
        file: 'postern.ts',
        find: 'worker.stop(graceMs, receiver.stop())',
        replace: '(void receiver.stop(), worker.stop(graceMs))',
      },
      {
        file: WORKER,
        find: 'if (this.#stop.signal.aborted) return this.#giveBackUnbegun(claimed, onEnd, isPlaced)',
        replace: '',
      },
    ],
    found: /after the stop/,
  },
]
