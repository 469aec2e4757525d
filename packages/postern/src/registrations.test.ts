import { beforeEach, describe, expect, test } from 'vitest'
import type { Logger } from './core/index.ts'
import { vastai } from './providers/index.ts'
import { checkedRegistrations } from './registrations.ts'
import type { On, Registration } from './worker/index.ts'
import type { Sources } from './sources.ts'

let warnings: string[] = []
const log: Logger = { debug() {}, info() {}, warn: (text) => warnings.push(text), error() {} }

beforeEach(() => {
  warnings = []
})

function warningsOf(handlers: (on: On<Sources>) => readonly Registration[]): readonly string[] {
  checkedRegistrations(handlers, new Map([['vast', vastai()]]), log)
  return warnings
}

describe('what was made with on and is not returned', () => {
  test('is warned of by what it is for', () => {
    expect(
      warningsOf((on) => {
        on('vast', 'outbid', () => {})
        on('vast', '*', () => {}, { name: 'audit' })
        return [on('vast', '*', () => {})]
      }),
    ).toEqual([
      "handlers: on('vast', 'outbid', …) was called, but is not in the list that is returned: it will not run",
      "handlers: on('vast', '*', …, { name: 'audit' }) was called, but is not in the list that is returned: it will not run",
    ])
  })

  test('is warned of where another one for the same is returned', () => {
    expect(
      warningsOf((on) => {
        on('vast', '*', () => {})
        return [on('vast', '*', () => {})]
      }),
    ).toHaveLength(1)
  })

  test('is none where all are returned, in another order, copied and wrapped', () => {
    expect(
      warningsOf((on) =>
        [on('vast', 'a', () => {}), on('vast', 'b', () => {}), on('vast', 'b', () => {}, { name: 'audit' })]
          .toReversed()
          .map((registration) => ({ ...registration, handler: () => {} })),
      ),
    ).toEqual([])
  })
})
