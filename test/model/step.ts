import assert from 'node:assert/strict'
import type { AsyncCommand } from 'fast-check'
import type { ListPage, StoreStat } from '../../packages/postern/src/inbox/index.ts'
import type { Numbers, StoreModel } from './model.ts'
import { sameDetail, samePage, sameStat } from './same.ts'
import { textOf } from './rows.ts'
import type { World } from './world.ts'

/** What a store has answered. */
export interface Answer {
  /** Events that it has recorded: their deliveries' numbers are asked for before the model judges. */
  readonly recorded?: readonly number[]
  /** Throws where the contract does not allow the answer. */
  readonly judge: Judgement
  /** The same item by item, in their order, where another call may come between two items of an array. */
  readonly parts?: readonly Judgement[]
}

type Judgement = (model: StoreModel, numbers: Numbers) => void

/** A call's answer, as a whole and item by item: the items of an array are independent, and another call's may come between. */
export function answerOf<Item, Result>(
  items: readonly Item[],
  results: readonly Result[],
  judge: (model: StoreModel, items: readonly Item[], results: readonly Result[], numbers: Numbers) => void,
): Pick<Answer, 'judge' | 'parts'> {
  return {
    judge: (model, numbers) => judge(model, items, results, numbers),
    parts: items.map((item, index) => (model, numbers) => {
      judge(model, [item], results.slice(index, index + 1), numbers)
    }),
  }
}

/** One call of a verb, with all that it needs. */
export interface Call {
  readonly text: string
  perform(world: World): Promise<Answer>
}

/** Makes a call of what the model knows at that moment; `undefined` where there is nothing to call it with. */
export type Plan = (model: StoreModel, world: World) => Call | undefined

/** Calls made at once, after which the store must be in a state to which some order of them leads. */
export class Step implements AsyncCommand<StoreModel, World> {
  readonly #name: string
  readonly #plans: readonly Plan[]

  constructor(name: string, plans: readonly Plan[]) {
    this.#name = name
    this.#plans = plans
  }

  check(): boolean {
    return true
  }

  async run(model: StoreModel, world: World): Promise<void> {
    const calls = this.#plans.flatMap((plan) => plan(model, world) ?? [])
    if (calls.length === 0) return
    model.story.push(calls.map(({ text }) => text).join(' | '))
    const answers = await Promise.all(calls.map((call) => call.perform(world)))
    const numbers = await numbersOf(world, answers)
    const seen = await look(world, model)
    model.begin(calls.length > 1 && world.writers === 'many')
    judgeInSomeOrder(model, { answers, numbers, seen })
  }

  toString(): string {
    return this.#name
  }
}

async function numbersOf(world: World, answers: readonly Answer[]): Promise<Numbers> {
  const numbers = new Map<number, number[]>()
  for (const eventSeq of answers.flatMap(({ recorded = [] }) => recorded)) {
    const { deliveries = [] } = (await world.store(0).get(eventSeq)) ?? {}
    numbers.set(
      eventSeq,
      deliveries.map(({ deliverySeq }) => deliverySeq),
    )
  }
  return numbers
}

/** What a step has led to. */
interface Outcome {
  readonly answers: readonly Answer[]
  readonly numbers: Numbers
  readonly seen: Seen
}

/** A failing step of many parts has more orders than anybody would wait for. */
const MOST_TRIALS = 2000

/** Of all orders, the one in which the calls were made is tried first, and is the one to report. */
function judgeInSomeOrder(model: StoreModel, { answers, numbers, seen }: Outcome): void {
  if (answers.length === 1) {
    answers[0]!.judge(model, numbers)
    sameInShort(model, seen)
    return
  }
  let failure: unknown
  let trials = 0
  const explain = (before: StoreModel, left: readonly (readonly Judgement[])[]): StoreModel | undefined => {
    if (left.length === 0) return before
    for (const [index, [next, ...after]] of left.entries()) {
      trials += 1
      if (trials > MOST_TRIALS) return undefined
      const trial = before.copy()
      const rest = left.flatMap((parts, other) => {
        if (other !== index) return [parts]
        return after.length > 0 ? [after] : []
      })
      try {
        next?.(trial, numbers)
        if (rest.length === 0) sameInShort(trial, seen)
      } catch (error) {
        failure ??= error
        continue
      }
      const found = explain(trial, rest)
      if (found !== undefined) return found
    }
    return undefined
  }
  const found = explain(
    model,
    answers.map(({ judge, parts }) => parts ?? [judge]),
  )
  if (found === undefined) throw failure
  Object.assign(model, found)
}

/** What is looked at after each step: every delivery as it is listed, the counts, and the effects. */
interface Seen {
  readonly page: ListPage
  readonly stat: StoreStat
  readonly effects: readonly string[]
  readonly undoes: boolean
}

const ALL_DELIVERIES = { of: 'deliveries', limit: 1000 } as const

async function look(world: World, { effectCount }: StoreModel): Promise<Seen> {
  const store = world.store(0)
  const [page, stat, effects] = await Promise.all([
    store.list(ALL_DELIVERIES),
    store.stat(),
    effectCount === 0 ? [] : world.effectsSeen(),
  ])
  return { page, stat, effects, undoes: world.undoes }
}

function sameInShort(model: StoreModel, { page, stat, effects, undoes }: Seen): void {
  samePage(model, ALL_DELIVERIES, page)
  sameStat(model, stat)
  const left = undoes ? effects : effects.filter((name) => !model.undone.includes(name))
  assert.deepEqual(left, model.effects, 'effects are there once, those of failed settlements are not')
}

/** At the end: everything that the store shows, through both workers. */
export async function compareInFull(model: StoreModel, world: World): Promise<void> {
  for (const worker of [0, 1]) {
    const store = world.store(worker)
    for (const query of [
      { of: 'events', limit: 1000 },
      { of: 'deliveries', after: 0, limit: 1000 },
    ] as const)
      samePage(model, query, await store.list(query))
    const seqs = Array.from({ length: model.lastEventSeq + 2 }, (_, eventSeq) => eventSeq)
    const details = await Promise.all(seqs.map((eventSeq) => store.get(eventSeq)))
    for (const [eventSeq, detail] of details.entries()) sameDetail(model, eventSeq, detail)
    assert.deepEqual(await store.state.list(''), model.entriesOf(''))
    const { requests: kept } = await store.rejected.list({ limit: 1000 })
    assert.deepEqual(
      kept.map(({ rejectedSeq, ...each }) => {
        assert.ok(rejectedSeq > 0)
        return { ...each, body: textOf(each.body) }
      }),
      model.rejected
        .map(({ request, ...row }) => ({ ...request, body: textOf(request.body), ...row }))
        .toReversed(),
    )
  }
  sameInShort(model, await look(world, model))
}
