import { readStored } from '../../test/support/stored.mjs'

/**
 * Reads what a store holds when everybody is gone, and holds it against what was promised: each id that was acknowledged is
 * there once, its delivery has come to the end that its handler gave it, and its effect has happened once or not at all.
 * @param acknowledged Ids. The client goes on until each is acknowledged, so there are no others.
 */
export async function tally(place, acknowledged) {
  const { ids, altered, succeeded, dead, open, effects, integrity } = await readStored(place)
  const stored = new Set(ids)
  const promised = new Set(acknowledged)
  const lives = (id) => !id.startsWith('dies')
  return {
    events: ids.length,
    succeeded: succeeded.length,
    dead: dead.length,
    effects: sum([...effects.values()]),
    wrong: {
      missing: acknowledged.filter((id) => !stored.has(id)).length,
      doubled: ids.length - stored.size,
      invented: ids.filter((id) => !promised.has(id)).length,
      altered: altered.length,
      open: open.length,
      wronglyDead: dead.filter(lives).length,
      wronglyAlive: succeeded.filter((id) => !lives(id)).length,
      withoutEffect: succeeded.filter((id) => !effects.has(id)).length,
      withMoreEffects: [...effects.values()].filter((effect) => effect > 1).length,
      effectsOfDead: [...effects.keys()].filter((id) => !lives(id)).length,
      damaged: integrity === 'ok' ? 0 : integrity,
    },
  }
}

function sum(numbers) {
  return numbers.reduce((total, number) => total + number, 0)
}
