/** How long senders wait for an answer, and send again: known of every provider, or known to be unknown. */
import { describe, expect, it } from 'vitest'
import { defineSource } from '../core/index.ts'
import { DAY_MS } from './duration.ts'
import { githubProvider } from './github.ts'
import { providers } from './index.ts'

/** Of whom neither is known: senders of one's own, installations with settings of their own, and pages that do not say. */
const SAY_NEITHER = [
  'anima',
  'basic-auth',
  'bitbucket',
  'calcom',
  'castai',
  'castai-notifications',
  'cloudevents',
  'convoy',
  'coreweave',
  'coreweave-alerts',
  'grafana',
  'http-message-signatures',
  'jira',
  'mux',
  'replicate',
  'standardwebhooks',
  'standardwebhooks-v1a',
  'twitch',
  'wandb',
  'zendesk',
]

/** Of whom only the time limit for an answer is unknown. */
const SAY_NO_TIMEOUT = [
  'docusign',
  'figma',
  'lemonsqueezy',
  'mailgun',
  'meta',
  'notion',
  'paypal',
  'postmark',
  'resend',
  'sanity',
  'sendgrid',
  'stripe',
  'trello',
  'typeform',
  'workos',
]

/** Of whom only it is unknown how long they send again: Okta says no time, Vast.ai no number of tries. */
const SAY_NO_HORIZON = [
  'elevenlabs',
  'gitlab',
  'gitlab-token',
  'hubspot-v2',
  'okta',
  'sentry',
  'twilio',
  'vastai',
]

describe.each([
  ['senderTimeoutMs', [...SAY_NEITHER, ...SAY_NO_TIMEOUT]],
  ['retryHorizonMs', [...SAY_NEITHER, ...SAY_NO_HORIZON]],
] as const)('%s', (field, unknown) => {
  it('is said of every provider, but for those of whom nothing is known', () => {
    const silent = providers.filter((provider) => provider[field] === undefined)
    expect(silent.map(({ name }) => name).toSorted()).toEqual(unknown.toSorted())
  })

  it('is whole milliseconds', () => {
    const said = providers.flatMap((provider) => provider[field] ?? [])
    expect(said.filter((ms) => !Number.isSafeInteger(ms) || ms < 0)).toEqual([])
  })
})

it('an event is remembered for as long as its sender may send it again, and for a week at least', () => {
  const { schemes } = githubProvider
  const windows = providers.map((provider) => [
    provider.name,
    defineSource({ ...provider, schemes }).dedupeWindowMs,
  ])
  const meant = providers.map(({ name, retryHorizonMs = 0 }) => [name, Math.max(7 * DAY_MS, retryHorizonMs)])
  expect(windows).toEqual(meant)
  const longer = providers.filter(({ retryHorizonMs = 0 }) => retryHorizonMs > 7 * DAY_MS)
  expect(longer.map(({ name }) => name).toSorted()).toEqual([
    'adyen',
    'adyen-banking',
    'docusign',
    'google-pubsub',
    'stripe',
  ])
})
