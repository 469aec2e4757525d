import assert from 'node:assert/strict'
import type { AsyncCommand } from 'fast-check'
import type { Numbers, StoreModel } from './model.ts'
import { sameDetail, samePage, sameStat } from './same.ts'
import { textOf } from './rows.ts'
import type { World } from './world.ts'

/** What a store has answered. */
export interface Answer {
  /** Events that it has recorded: their deliveries' numbers are asked for before the model judges. */
  readonly recorded?: readonly number[]
  /** Throws where the contract does not allow the answer. */
  judge(model: StoreModel, numbers: Numbers): void
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
    judgeInSomeOrder(model, answers, numbers)
    await compareInShort(model, world)
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

function judgeInSomeOrder(model: StoreModel, answers: readonly Answer[], numbers: Numbers): void {
  if (answers.length === 1) return answers[0]!.judge(model, numbers)
  let failure: unknown
  for (const order of ordersOf(answers)) {
    const trial = model.copy()
    try {
      for (const answer of order) answer.judge(trial, numbers)
      Object.assign(model, trial)
      return
    } catch (error) {
      // Of all orders, the one in which they were called is the one to report.
      failure ??= error
    }
  }
  throw failure
}

function ordersOf<T>(values: readonly T[]): T[][] {
  if (values.length <= 1) return [[...values]]
  return values.flatMap((first, index) =>
    ordersOf(values.filter((_, other) => other !== index)).map((rest) => [first, ...rest]),
  )
}

/** After each step: every delivery as it is listed, and the counts. */
async function compareInShort(model: StoreModel, world: World): Promise<void> {
  const query = { of: 'deliveries', limit: 1000 } as const
  samePage(model, query, await world.store(0).list(query))
  sameStat(model, await world.store(0).stat())
  await compareEffects(model, world)
}

async function compareEffects(model: StoreModel, world: World): Promise<void> {
  if (model.effects.length + model.undone.length === 0) return
  const seen = await world.effectsSeen()
  const left = world.undoes ? seen : seen.filter((name) => !model.undone.includes(name))
  assert.deepEqual(left, model.effects, 'effects are there once, those of failed settlements are not')
}

/** At the end: everything that the store shows, through both workers. */
export async function compareInFull(model: StoreModel, world: World): Promise<void> {
  for (const worker of [0, 1]) {
    const store = world.store(worker)
    const query = { of: 'events', limit: 1000 } as const
    samePage(model, query, await store.list(query))
    for (let eventSeq = 0; eventSeq <= model.lastEventSeq + 1; eventSeq += 1) {
      sameDetail(model, eventSeq, await store.get(eventSeq))
    }
    assert.deepEqual(await store.state.list(''), model.entriesOf(''))
    const kept = await store.rejected.recent(1000)
    assert.deepEqual(
      kept.map((each) => ({ ...each, body: textOf(each.body) })),
      model.rejected
        .map(({ request, ...row }) => ({ ...request, body: textOf(request.body), ...row }))
        .toReversed(),
    )
  }
  await compareInShort(model, world)
}
