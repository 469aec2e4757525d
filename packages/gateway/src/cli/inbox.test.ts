import type { Logger } from 'postern'
import { memory } from 'postern/memory'
import { vastai } from 'postern/providers'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import type { GatewayConfig } from '../config/define-config.ts'
import { createInbox } from './inbox.ts'

let warnings: string[] = []
const log: Logger = { debug() {}, info() {}, warn: (text) => warnings.push(text), error() {} }

beforeEach(() => {
  warnings = []
})

function inboxWith(handlers: unknown): readonly string[] {
  const sources = { vast: vastai({ secret: 'a signing secret, long enough' }) }
  const config = { sources, handlers } as GatewayConfig
  const inbox = createInbox({ config, destinations: [], store: memory(), log })
  onTestFinished(() => inbox.postern.stop({ graceMs: 0 }))
  return inbox.destinations
}

type On = Parameters<NonNullable<GatewayConfig['handlers']>>[0]

describe('the handlers of a configuration', () => {
  test('may be absent', () => {
    expect(inboxWith(undefined)).toEqual([])
  })

  test.each([
    ['nothing', (on: On) => void on('vast', '*', () => {})],
    ['null', () => null],
    ['a registration', (on: On) => on('vast', '*', () => {})],
    ['a promise', async (on: On) => [on('vast', '*', () => {})]],
    ['a list with something else in it', (on: On) => [on('vast', '*', () => {}), undefined]],
  ])('are refused by their path where they return %s', (_what, handlers) => {
    expect(() => inboxWith(handlers)).toThrow(
      expect.objectContaining({
        problems: [{ path: 'handlers', message: expect.stringMatching(/^must return the list/) as string }],
      }),
    )
  })

  test('are warned of where one is not returned, and else not', () => {
    expect(inboxWith((on: On) => [on('vast', 'outbid', () => {}), on('vast', '*', () => {})])).toEqual([
      'handlers',
    ])
    expect(warnings).toEqual([])
    inboxWith((on: On) => {
      on('vast', 'outbid', () => {})
      return [on('vast', '*', () => {})]
    })
    expect(warnings).toEqual([expect.stringMatching(/^handlers: on\('vast', 'outbid', …\) was called/)])
  })
})
