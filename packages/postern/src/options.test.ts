import { expect, test } from 'vitest'
import { createPostern } from './postern.ts'
import { vastai } from './providers/index.ts'
import type { Sources } from './sources.ts'
import { memory } from './stores/memory/index.ts'
import type { On } from './worker/index.ts'

function refusalOf(options: object): unknown {
  try {
    createPostern({ store: memory(), sources: { vast: vastai() }, ...options } as never)
    return undefined
  } catch (error) {
    return error
  }
}

/** An inbox with a handler that has limits of its own. */
function audited(limits: object): object {
  return { handlers: (on: On<Sources>) => [on('vast', '*', () => {}, { name: 'audit', ...limits })] }
}

const NO_OBJECT = [null, 5, 'text', [], [undefined], () => 1, true]
const NO_NUMBER = [null, '5', Number.NaN, -1, [], {}]
const NO_FUNCTION = [null, 5, 'text', [], {}]

const WRONG: readonly (readonly [string, (value: unknown) => object, readonly unknown[]])[] = [
  ['worker', (worker) => ({ worker }), NO_OBJECT],
  ['retry', (retry) => ({ retry }), NO_OBJECT],
  ['worker.concurrency', (concurrency) => ({ worker: { concurrency } }), [...NO_NUMBER, Infinity, 0, 1.5]],
  ['worker.leaseMs', (leaseMs) => ({ worker: { leaseMs } }), [...NO_NUMBER, Infinity, 0]],
  [
    'worker.handlerTimeoutMs',
    (handlerTimeoutMs) => ({ worker: { handlerTimeoutMs } }),
    [...NO_NUMBER, Infinity],
  ],
  ['retry.attempts', (attempts) => ({ retry: { attempts } }), [...NO_NUMBER, Infinity, 2.5]],
  ['handlers.audit.concurrency', (concurrency) => audited({ concurrency }), [...NO_NUMBER, Infinity, 0, 1.5]],
  ['handlers.audit.timeoutMs', (timeoutMs) => audited({ timeoutMs }), [...NO_NUMBER, Infinity, 0]],
  ['handlers.audit.retry.attempts', (attempts) => audited({ retry: { attempts } }), [...NO_NUMBER, 2.5]],
  ['retry.baseMs', (baseMs) => ({ retry: { baseMs } }), [...NO_NUMBER, Infinity]],
  ['retentionMs', (retentionMs) => ({ retentionMs }), NO_NUMBER],
  ['clientOf', (clientOf) => ({ clientOf }), NO_FUNCTION],
  ['observe', (observe) => ({ observe }), NO_FUNCTION],
  ['now', (now) => ({ now }), NO_FUNCTION],
  ['random', (random) => ({ random }), NO_FUNCTION],
  ['log', (log) => ({ log }), [...NO_OBJECT, { warn: () => {} }]],
  ['sources', (sources) => ({ sources }), [null, 5, 'text', undefined]],
  ['sources.vast', (vast) => ({ sources: { vast } }), [null, undefined, 5, vastai]],
  ['handlers', (handlers) => ({ handlers }), NO_FUNCTION],
  ['store', (store) => ({ store }), [null, undefined, 5, 'postern.db', {}]],
]

test.each(WRONG)('what is no %s is refused by its path', (path, optionsOf, values) => {
  for (const value of values) {
    expect(refusalOf(optionsOf(value))).toMatchObject({
      code: 'bad_config',
      message: expect.stringMatching(new RegExp(`^${path.replaceAll('.', '\\.')} `)),
    })
  }
})

test('parts of a millisecond are not', () => {
  const halves = {
    worker: { leaseMs: 1000.5, handlerTimeoutMs: 50.5 },
    retry: { baseMs: 0.5, capMs: 0.5, giveUpAfterMs: 0.5 },
    retentionMs: 0.5,
  }
  expect(refusalOf({ ...halves, ...audited({ timeoutMs: 50.5, retry: halves.retry }) })).toBeUndefined()
})

test('what is left out is not', () => {
  const leftOut = [
    'worker',
    'retry',
    'retentionMs',
    'clientOf',
    'observe',
    'now',
    'random',
    'log',
    'handlers',
  ]
  expect(refusalOf(Object.fromEntries(leftOut.map((name) => [name, undefined])))).toBeUndefined()
})

test.each([null, undefined, 5, 'text', []])('options that are no object are refused: %j', (options) =>
  expect(() => createPostern(options as never)).toThrow(
    /^(?:options must be an object|store must be a store)/,
  ),
)
