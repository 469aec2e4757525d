import { describe, expect, test } from 'vitest'
import { castaiNotifications, coreweaveAlerts, eventgrid, grafana, okta } from './index.ts'

/** As a caller without a compiler may give it. */
const BAD: readonly unknown[] = [null, 42, {}, '', 'X Signature', 'X-Signature:', 'X-Signatür']

const factories: Readonly<Record<string, (header: unknown) => unknown>> = {
  'castai-notifications: header': (header) => castaiNotifications({ header: header as string }),
  'coreweave-alerts: header': (header) => coreweaveAlerts({ header: header as string }),
  'coreweave-alerts: timestamp.header': (header) =>
    coreweaveAlerts({ header: 'x-signature', timestamp: { header: header as string } }),
  'eventgrid: header': (header) => eventgrid({ header: header as string }),
  'grafana: header': (header) => grafana({ header: header as string }),
  'grafana: timestampHeader': (header) => grafana({ timestampHeader: header as string }),
  'okta: header': (header) => okta({ header: header as string }),
}

describe.each(Object.entries(factories))('%s', (path, make) => {
  test.each(BAD)('is refused by its path where it is no header: %j', (header) => {
    expect(() => make(header)).toThrow(
      expect.objectContaining({
        code: 'bad_config',
        message: `${path} must be a header's name, such as 'X-Webhook-Signature'`,
      }),
    )
  })

  test('may be in any case', () => {
    expect(JSON.stringify(make('X-My_Signature.2'))).toContain('"header":"x-my_signature.2"')
  })
})

test('coreweave-alerts: header is asked for', () => {
  expect(() => coreweaveAlerts({} as never)).toThrow(/^coreweave-alerts: header must be a header's name/)
})
