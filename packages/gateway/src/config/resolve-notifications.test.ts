import { vastai } from 'postern/providers'
import { expect, test } from 'vitest'
import { notify } from '../notify/notify.ts'
import { checkConfig } from './check-config.ts'
import {
  destinationsWithoutSecret,
  resolveDestinations,
  type AnyResolvedDestination,
} from './resolve-destinations.ts'

const WEBHOOK_URL = 'https://hooks.slack.example/services/T0/B0/aVerySecretToken'
const ROUTING_KEY = 'aVerySecretRoutingKey00000000001'
const sources = { vastai: vastai({ secret: 'a signing secret, long enough' }) }

/** What there is to say against it; what it comes to where there is nothing. */
function resolved(team: unknown): string | readonly AnyResolvedDestination[] {
  const checked = checkConfig({ sources, destinations: { team } }, 'postern.config.ts')
  const result = checked.ok
    ? resolveDestinations(checked.value.destinations ?? {}, { env: {}, sources: ['vastai'] })
    : checked
  if (result.ok) return result.value
  return result.problems.map(({ path, message }) => `${path}: ${message}`).join('; ')
}

test('each kind passes, with all that it can be told, and needs no secret of its own', () => {
  const common = {
    atLeast: 'warning',
    perMinute: 60,
    severity: [{ source: 'vastai', type: ['outbid'], where: { json: { a: 1 } }, is: 'critical' }],
    from: { source: 'vastai', type: 'instance.*' },
    timeoutMs: 5000,
    retry: { attempts: 3 },
    giveUpAfterMs: 1000,
    retryOn: ['5xx'],
    breaker: false,
  } as const
  expect(resolved(notify.slack({ ...common, webhookUrl: WEBHOOK_URL }))).toEqual([
    { ...common, notify: 'slack', name: 'team', url: WEBHOOK_URL },
  ])
  expect(resolved(notify.discord({ webhookUrl: WEBHOOK_URL }))).toMatchObject([{ notify: 'discord' }])
  expect(resolved(notify.pagerduty({ routingKey: ROUTING_KEY }))).toMatchObject([
    { notify: 'pagerduty', url: 'https://events.pagerduty.com/v2/enqueue', routingKey: ROUTING_KEY },
  ])
  expect(resolved(notify.webhook({ url: 'https://x.example', headers: { 'x-a': '1' } }))).toMatchObject([
    { notify: 'webhook' },
  ])
  const destinations = { team: notify.slack({ webhookUrl: WEBHOOK_URL }) }
  expect(destinationsWithoutSecret(destinations, {})).toEqual([])
})

test.each<[unknown, RegExp]>([
  [notify.slack({ webhookUrl: undefined }), /^destinations\.team\.webhookUrl: is missing/],
  [notify.slack({ webhookUrl: '' }), /^destinations\.team\.webhookUrl: is not a URL/],
  [notify.slack({ webhookUrl: WEBHOOK_URL.replace('https', 'http') }), /webhookUrl: http goes only into/],
  [
    notify.slack({ webhookUrl: 'https://10.0.0.1/aVerySecretToken' }),
    /webhookUrl: 10\.0\.0\.1 is not on the public/,
  ],
  [notify.discord({ webhookUrl: WEBHOOK_URL, perMinute: 0 }), /perMinute: must be 1 or more/],
  [notify.discord({ webhookUrl: WEBHOOK_URL, perMinute: 61 }), /perMinute: must be 60 or less/],
  [
    { ...notify.discord({ webhookUrl: WEBHOOK_URL }), atLeast: 'loud' },
    /atLeast: must be one of info, warning, critical/,
  ],
  [{ ...notify.discord({ webhookUrl: WEBHOOK_URL }), channel: 'x' }, /channel: unknown option/],
  [notify.pagerduty({ routingKey: undefined }), /routingKey: is missing/],
  [notify.pagerduty({ routingKey: `${ROUTING_KEY}x` }), /routingKey: must be 32 letters and digits/],
  [notify.webhook({ url: 'https://x.example', secret: 'aVerySecretToken!' }), /secret: /],
  [notify.webhook({ url: 'https://x.example', headers: { 'webhook-id': 'x' } }), /headers.*Postern's own/],
  [{ notify: 'teams', webhookUrl: WEBHOOK_URL }, /must be one of slack, discord, pagerduty, webhook/],
  [{ notify: '__proto__' }, /must be one of/],
  [
    notify.slack({ webhookUrl: WEBHOOK_URL, from: { source: 'stripe' } }),
    /from: 'stripe' is not one of the sources/,
  ],
  [
    notify.slack({ webhookUrl: WEBHOOK_URL, severity: [{ source: 'stripe', is: 'info' }] }),
    /severity: 'stripe' is not one of the sources/,
  ],
])('%# is refused, without its secret', (team, problem) => {
  const said = resolved(team)
  expect(said).toMatch(problem)
  expect(said).not.toContain('aVerySecret')
})
