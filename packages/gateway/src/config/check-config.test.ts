import { vastai } from 'postern/providers'
import { describe, expect, test } from 'vitest'
import { checkConfig } from './check-config.ts'
import { defineConfig } from './define-config.ts'

const valid = { sources: { vastai: vastai({ secret: 'a-secret-of-16-bytes' }) } }

function problemsOf(value: unknown): readonly string[] {
  const checked = checkConfig(value, 'postern.config.ts')
  return checked.ok ? [] : checked.problems.map(({ path, message }) => `${path}: ${message}`)
}

test('a whole configuration passes', () => {
  const config = defineConfig({
    ...valid,
    handlers: (on) => [on('vastai', 'outbid', (event) => event.data.subject)],
    prefix: '/hooks/in',
    retry: { attempts: 3 },
    worker: { concurrency: 2 },
    retentionMs: 86_400_000,
  })
  expect(problemsOf(config)).toEqual([])
})

test('what is undefined is as good as absent, in whatever is optional', () => {
  const options = {
    ...Object.fromEntries(
      ['handlers', 'destinations', 'prefix', 'retentionMs'].map((name) => [name, undefined]),
    ),
    retry: { attempts: undefined, baseMs: undefined, factor: undefined, capMs: undefined },
    worker: { concurrency: undefined, leaseMs: undefined, handlerTimeoutMs: undefined },
    pull: { vastai: undefined },
    reconcile: { vastai: undefined },
  }
  expect(problemsOf({ ...valid, ...options })).toEqual([])
  expect(problemsOf({ ...valid, retry: undefined, worker: undefined, pull: undefined })).toEqual([])
})

describe('what is wrong is named by its path', () => {
  test.each<[string, unknown, RegExp]>([
    ['nothing at all', undefined, /^postern\.config\.ts: /],
    ['not an object', 7, /^postern\.config\.ts: /],
    ['no sources', {}, /^sources: is missing/],
    ['empty sources', { sources: {} }, /^sources: has no source/],
    [
      'an object that is no source',
      { sources: { vastai: { secret: 'x' } } },
      /^sources\.vastai: is not a source/,
    ],
    ['a provider instead of a source', { sources: { vastai } }, /^sources\.vastai: is not a source/],
    ['null as a source', { sources: { vastai: null } }, /^sources\.vastai: is not a source/],
    [
      'a name that no path can have',
      { sources: { 'Vast AI': valid.sources.vastai } },
      /^sources\.Vast AI: .*must match/,
    ],
    ['an unknown option', { ...valid, handler: () => [] }, /^handler: unknown option/],
    ['an unknown option further in', { ...valid, retry: { tries: 3 } }, /^retry\.tries: unknown option/],
    ['handlers that are no function', { ...valid, handlers: [] }, /^handlers: must be a function/],
    ['a prefix with a slash at its end', { ...valid, prefix: '/webhooks/' }, /^prefix: /],
    ['no attempts', { ...valid, retry: { attempts: 0 } }, /^retry\.attempts: must be 1 or more/],
    ['half an attempt', { ...valid, retry: { attempts: 1.5 } }, /^retry\.attempts: must be a whole number/],
    ['a shrinking wait', { ...valid, retry: { factor: 0.5 } }, /^retry\.factor: must be 1 or more/],
    ['a retention in words', { ...valid, retentionMs: '30d' }, /^retentionMs: /],
    ['a retention below nothing', { ...valid, retentionMs: -1 }, /^retentionMs: must be 0 or more/],
    ['a text as a number', { ...valid, worker: { concurrency: '4' } }, /^worker\.concurrency: /],
  ])('%s', (_what, value, expected) => {
    expect(problemsOf(value)).toEqual([expect.stringMatching(expected)])
  })

  test('all of it at once', () => {
    expect(problemsOf({ sources: { a: 1 }, prefix: 'x', worker: { threads: 1 } })).toHaveLength(3)
  })
})
