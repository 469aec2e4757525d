/** Every defect on the two lists that we keep of other products is somewhere the name of a test. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

/** Where those tests are; what the first one pins elsewhere is named, and checked to be there, in it. */
const FILES = ['test/peers-defects.test.ts', 'test/peers-operations.test.ts', 'test/twilio.test.ts']

/** What follows `name:`, a test's or a suite's opening parenthesis, or stands alone on a line of a list. */
const TITLE = /(?:name: |(?:test|describe)\(|\]\)\(\s*|^\s*)(['"`])((?:(?!\1).)+)\1,?/gm

const titles = FILES.flatMap((file) =>
  [...readFileSync(file, 'utf8').matchAll(TITLE)].map(([, , title]) => title!),
)

/** In inboxes, gateways and relays: the product, and a word of each of its defects. */
const OF_PRODUCTS = [
  ['Convoy', 'before the request is verified'],
  ['Convoy', 'compared by an operator'],
  ['Convoy', 'where it comes in chunks'],
  ['Convoy', 'tried again in another form'],
  ['Convoy', 'a failure of its own is answered 400'],
  ['Convoy', 'NoopVerifier'],
  ['Convoy', 'junk about the prefix'],
  ['Convoy', 'passwords with a colon'],
  ['trigger.dev', '1e9'],
  ['trigger.dev', 'claimed before its event is stored'],
  ['trigger.dev', 'a crash between its gate and its row'],
  ['trigger.dev', 'an id that is not signed is the dedupe key'],
  ['trigger.dev', 'RFC 3339'],
  ['trigger.dev', 'one header for a signature'],
  ['trigger.dev', 'empty text'],
  ['trigger.dev', 'no handshake'],
  ['trigger.dev', 'Linear'],
  ['qhook', 'of two `v1` only one'],
  ['qhook', 'over the body'],
  ['@hookflo/tern', 'a replay deletes'],
  ['@hookflo/tern', 'a parsed body is written anew'],
  ['@hookflo/tern', '`$$`'],
  ['@hookflo/tern', 'the empty key'],
  ['@hookflo/tern', 'Vercel'],
  ['@hookflo/tern', 'told apart by their size'],
  ['@hookflo/tern', 'idempotency_key'],
  ['@hookflo/tern', 'chooses the scheme'],
  ['Hookaido', 'expected signature'],
  ['Hookaido', 'a nonce is kept although'],
  ['Hookaido', 'before the signature is looked at'],
  ['Hookaido', 'nonces are lost on reload'],
  ['Hookaido', 'authentication is dropped on reload'],
  ['better-webhook', 'refused as a replay'],
  ['Hookdeck', 'copies at once'],
  ['smee', 'written anew on its way'],
  ['any scheme with a time', 'a stale retry'],
  ['openlinker', 'accepted than is worked off'],
] as const

/** In libraries that verify: the library, and a word of each of its defects. */
const OF_LIBRARIES = [
  ...[
    'Uint8Array',
    'FF and FE',
    'junk behind it',
    'moves the boundary',
    'Latin-1',
    'one secret',
    'offset',
  ].map((word) => ['standardwebhooks 1.1.1', word] as const),
  ['svix 1.99.1', 'one family of headers'],
  ...['in the future', 'NaN', 'beyond ASCII', 'byte order mark', 'one secret', 'tolerance of 0'].map(
    (word) => ['stripe 23.1.0', word] as const,
  ),
  ['@octokit/webhooks-methods', 'an empty body throws'],
  ['@octokit/webhooks-methods', 'between the digits'],
  ['openai', 'a tolerance of NaN'],
  ['openai', 'a time with a dot'],
  ['replicate', 'no time is looked at'],
  ['replicate', 'written anew'],
  ['ElevenLabs', 'NaN'],
  ['@workos-inc/node', 'NaN'],
  ['@workos-inc/node', 'are not looked at'],
  ['@paddle/paddle-node-sdk', 'the last, and only the past'],
  ['@zoom/rivet', 'written anew'],
  ['@hubspot/api-client', 'stale throws'],
  ['Square, HubSpot, Paddle, Sanity, ElevenLabs, Razorpay, Rivet', 'compared by an operator'],
  ['hono-webhook-verify', 'as bytes'],
] as const

/** Issues, by repository. */
const ISSUES = {
  'twilio/twilio-node': [1059, 1061, 1183, 1194, 145, 306, 621],
  'twilio/twilio-ruby': [528],
  'linear/linear': [1268],
  'stripe/stripe-php': [658],
  'stripe/stripe-dotnet': [1183],
  'stripe/stripe-node': [1778],
  'octokit/webhooks.js': [71, 76, 593, 1155],
  'github/docs': [3567],
  'standard-webhooks': [262, 263],
  'svix/svix-webhooks': [981, 1171],
  'openai/openai-node': [1950],
  'workos/workos-node': [1578],
  'sendgrid/sendgrid-nodejs': [1278, 1321, 1411],
  'razorpay-node': [462, 479],
  'cashfree-pg-sdk-nodejs': [124],
  'stripe-rs': [165],
  'polarsource/polar': [13256],
  'probot/smee.io': [9],
  'probot/smee-client': [325],
  'openlinker-project/openlinker': [3005],
} as const

describe('a test is named after', () => {
  test.each([...OF_PRODUCTS, ...OF_LIBRARIES])('%s: %s', (whose, word) => {
    expect(titles.filter((title) => title.includes(whose) && title.includes(word))).not.toEqual([])
  })

  test.each(
    Object.entries(ISSUES).flatMap(([repository, issues]) =>
      issues.map((issue) => [repository, issue] as const),
    ),
  )('%s#%d', (repository, issue) => {
    const named = new RegExp(`#${issue}\\b`)
    expect(titles.filter((title) => title.includes(repository) && named.test(title))).not.toEqual([])
  })
})
