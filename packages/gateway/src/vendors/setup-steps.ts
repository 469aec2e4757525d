import { CASTAI_NOTIFICATION_TEMPLATE } from 'postern/providers'

/** What somebody has to do at a vendor by hand, as data. */
export interface VendorSetup {
  /** The first is the usual one. */
  readonly names: readonly string[]
  readonly title: string
  /** What the source that takes what it sends is called by default. */
  readonly source: string
  /** Whether the secret is ours to make up. */
  readonly makesSecret: boolean
  readonly documentation: string
  /** What to write into `postern.config.ts`, for a source of this name: its path and its variable have the same. */
  readonly configuration: (source: string) => readonly string[]
  readonly steps: (input: { readonly url: string; readonly variable: string }) => readonly string[]
  readonly undocumented: readonly string[]
}

/**
 * Cast AI's `POST /v1/notifications/webhook-configurations` is documented; the form of its `authKeys`, in which the secret would
 * have to stand, is not in any public text that was found, so that nothing is sent there.
 */
const castai: VendorSetup = {
  names: ['castai', 'castai-notifications'],
  title: 'Cast AI',
  source: 'castai-notifications',
  makesSecret: true,
  documentation: 'https://docs.cast.ai/docs/setup-notification-webhook',
  configuration: (source) => [
    "import { castaiNotifications } from 'postern/providers'",
    `sources: { '${source}': castaiNotifications({ header: 'X-Webhook-Secret' }) },`,
    '// not castai(): that verifies a signature, and Cast AI documents none',
  ],
  steps: ({ url, variable }) => [
    `In the console: Notifications, Webhooks, Add webhook. Callback URL: ${url}`,
    'Headers, both of them (without the first, Cast AI sends no content type):',
    '  Content-Type: application/json',
    `  X-Webhook-Secret: <the value of ${variable}>`,
    'Severity triggers and clusters: as you need them.',
    'Template, as it stands here:',
    ...CASTAI_NOTIFICATION_TEMPLATE.trimEnd().split('\n'),
  ],
  undocumented: [
    'any signature: the header is a static secret, without protection from replay beyond duplicates',
    'the form of authKeys in POST https://api.cast.ai/v1/notifications/webhook-configurations, so that this is not done by API',
    'retries, and the time limit for an answer',
    'how {{ .Cluster.ID }} renders where there is no cluster; the template escapes nothing',
  ],
}

const COREWEAVE_API = 'https://api.coreweave.com/v1/notifications'
const COREWEAVE_AUTH = `-H "Authorization: Bearer $COREWEAVE_API_TOKEN"`

const coreweave: VendorSetup = {
  names: ['coreweave', 'coreweave-alerts'],
  title: 'CoreWeave Alerts',
  source: 'coreweave-alerts',
  makesSecret: true,
  documentation: 'https://docs.coreweave.com/platform/coreweave-alerts/alerts-api',
  configuration: (source) => [
    "import { coreweaveAlerts } from 'postern/providers'",
    `sources: { '${source}': coreweaveAlerts({ header: '<the header you saw in the test>' }) },`,
    '// not coreweave(): that verifies the template’s signature, and CoreWeave documents none like it',
  ],
  steps: ({ url, variable }) => [
    'No public endpoint? Then nothing of this: see postern pull --help.',
    `1. A credential, with the secret as ${variable} in this shell; signing_secret may be left out, and nothing is signed then:`,
    `  curl -X POST ${COREWEAVE_API}/credentials ${COREWEAVE_AUTH} -H 'Content-Type: application/json' -d "$(jq -n --arg u '${url}' --arg s "$${variable}" '{displayName:"Postern",credentialType:"webhook",secret:({url:$u,signing_secret:$s}|tojson)}')"`,
    '2. A destination, with the id of the credential:',
    `  curl -X POST ${COREWEAVE_API}/destinations ${COREWEAVE_AUTH} -H 'Content-Type: application/json' -d '{"channel":"webhook","displayName":"Postern","credentialId":"<id of 1>"}'`,
    '3. Its test; look at the headers that arrive, and configure the one that has the signature:',
    `  curl -X POST ${COREWEAVE_API}/destinations/<id of 2>/test ${COREWEAVE_AUTH}`,
    '4. "A new destination receives no alerts until you subscribe": in the console under Alert configuration, or',
    `  curl ${COREWEAVE_API}/subscriptions/alerts ${COREWEAVE_AUTH}`,
    `  curl -X POST ${COREWEAVE_API}/subscriptions/alerts/categories/<category>/subscribe ${COREWEAVE_AUTH}`,
  ],
  undocumented: [
    'the header, the input and the encoding of the signature, and the form of the body',
    'what the answers to 1 and 2 look like, and what step 4 takes in its body, so that this is not done by API',
    'retries, and the time limit for an answer',
  ],
}

const anima: VendorSetup = {
  names: ['anima'],
  title: 'Anima Labs (useanima.sh)',
  source: 'anima',
  makesSecret: false,
  documentation: 'https://docs.useanima.sh/webhooks',
  configuration: (source) => [
    "import { anima } from 'postern/providers'",
    `sources: { '${source}': anima() },`,
  ],
  steps: ({ url, variable }) => [
    `In Anima Labs' dashboard add a webhook for ${url}; it shows the secret once: put it into ${variable}.`,
    '"Rotating immediately invalidates the previous secret": give the gateway the new one as soon as you have it, and the one before as the second.',
    'Anima of animaapp.com (design to code) has no webhooks that were found; its users take Figma’s, as the source figma():',
    '  developers.figma.com/docs/rest-api/webhooks-endpoints, with a passcode of your own.',
  ],
  undocumented: ['an API to make a webhook with, as far as its public text was found'],
}

/** Vendors whose side is set up by hand. */
export const SETUPS: readonly VendorSetup[] = [castai, coreweave, anima]
