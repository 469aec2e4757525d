import { scryptSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { secretLabel, secretLabelAside } from './secret-label.ts'
import { sha256 } from '../core/crypto.ts'
import { github, svix, wandb } from '../providers/index.ts'
import { SecretSightings } from '../receive/secret-sightings.ts'
import { memory } from '../stores/memory/index.ts'
import { readSecretUse, type SecretUse } from './secret-use.ts'

const NOW_MS = 1_772_490_000_000
const [OLD, NEW] = ['the old secret of 16 bytes', 'the new secret of 16 bytes']
const SCHEME = 'github-signature-256'

function uses(all: readonly SecretUse[]): readonly unknown[] {
  return all.map(({ source, name, position, lastMatchedMs }) => [source, name, position, lastMatchedMs])
}

test('a secret is known again after the rotation that gave it another position', async () => {
  const { state } = memory()
  new SecretSightings(state).saw('repo', github({ secret: OLD }), SCHEME, 0, NOW_MS)
  const rotated = github({ secret: [NEW, OLD] })
  const before = await readSecretUse(state, { repo: rotated })
  expect(uses(before)).toEqual([
    ['repo', 'secret', 1, undefined],
    ['repo', 'secret', 2, NOW_MS],
  ])
  new SecretSightings(state).saw('repo', rotated, SCHEME, 0, NOW_MS + 86_400_000)
  expect(uses(await readSecretUse(state, { repo: rotated }))).toEqual([
    ['repo', 'secret', 1, NOW_MS + 86_400_000],
    ['repo', 'secret', 2, NOW_MS],
  ])
})

test('secrets of another source, and of another name, are others', async () => {
  const { state } = memory()
  const sources = {
    repo: github({ secret: OLD }),
    fork: github({ secret: OLD }),
    runs: wandb({ secret: OLD, accessToken: NEW }),
  }
  const sightings = new SecretSightings(state)
  sightings.saw('fork', sources.fork, SCHEME, 0, NOW_MS)
  sightings.saw('runs', sources.runs, 'wandb-access-token', 0, NOW_MS + 1)
  expect(uses(await readSecretUse(state, sources))).toEqual([
    ['repo', 'secret', 1, undefined],
    ['fork', 'secret', 1, NOW_MS],
    ['runs', 'secret', 1, undefined],
    ['runs', 'accessToken', 1, NOW_MS + 1],
  ])
})

test('of two schemes that had to pass together, the first one’s secret is noted', async () => {
  const { state } = memory()
  const runs = wandb({ secret: OLD, accessToken: NEW })
  new SecretSightings(state).saw('runs', runs, 'wandb-signature-hex+wandb-access-token', 0, NOW_MS)
  expect(uses(await readSecretUse(state, { runs }))).toEqual([
    ['runs', 'secret', 1, NOW_MS],
    ['runs', 'accessToken', 1, undefined],
  ])
})

test('a source without a secret has no use of one, and what is noted otherwise is not read', async () => {
  const { state } = memory()
  await state.set('secret-matched/repo/0', 'yesterday')
  const secret = `whsec_${Buffer.alloc(24, 1).toString('base64')}`
  const found = await readSecretUse(state, { repo: github(), calls: svix({ secret }) })
  expect(uses(found)).toEqual([['calls', 'secret', 1, undefined]])
})

test('a label is the same in every process, short, and another for another source', () => {
  const digest = sha256(OLD).toString('hex')
  expect(secretLabel('repo', digest)).toBe(secretLabel('repo', digest))
  expect(secretLabel('repo', digest)).toMatch(/^[0-9a-f]{4}$/)
  expect(secretLabel('repo', digest)).not.toBe(secretLabel('fork', digest))
  expect(secretLabel('repo', digest)).not.toBe(secretLabel('repo', sha256(NEW).toString('hex')))
})

test('a label is the same, whichever way it is computed', async () => {
  const [one, other] = ['one', 'other'].map((text) =>
    sha256(`${text} that no other test has`).toString('hex'),
  )
  expect(await secretLabelAside('repo', one!)).toBe(secretLabel('repo', one!))
  // And not only since the first is remembered.
  expect(secretLabel('repo', other!)).toBe(await secretLabelAside('repo', other!))
  const salt = 'postern secret label repo'
  expect(await secretLabelAside('repo', one!)).toBe(
    scryptSync(one!, salt, 2, { N: 4096, r: 8, p: 1 }).toString('hex'),
  )
})

test('reading of many secrets leaves the event loop to others', async () => {
  const { state } = memory()
  const sources = Object.fromEntries(
    Array.from({ length: 20 }, (_, index) => [`repo${index}`, github({ secret: OLD })]),
  )
  let turns = 0
  const turn = (): void => {
    turns += 1
    next = setImmediate(turn)
  }
  let next = setImmediate(turn)
  expect(await readSecretUse(state, sources)).toHaveLength(20)
  clearImmediate(next)
  expect(turns).toBeGreaterThanOrEqual(10)
})
