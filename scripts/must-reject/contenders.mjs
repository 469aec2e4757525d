import { verify as octokitVerify } from '@octokit/webhooks-methods'
import { verify } from 'postern'
import { github, standardWebhooks, stripe } from 'postern/providers'
import { Webhook as StandardWebhook, WebhookVerificationError } from 'standardwebhooks'
import { Stripe } from 'stripe'
import { Webhook as SvixWebhook, WebhookVerificationError as SvixError } from 'svix'
import { NOW_SECONDS } from './senders.mjs'

const api = new Stripe('sk_test_of_no_account')
const sources = { standard: standardWebhooks, stripe, github }

/**
 * Each takes a request as a handler of `node:http` has it: raw headers in a list for Postern, which asks for them, and
 * `request.headers` for the others; the body as its bytes, and as a string for the one that takes nothing else.
 */
export const CONTENDERS = {
  postern: {
    speaks: ['standard', 'stripe', 'github'],
    async accepts({ sender, secret, headers, body, forwarded }) {
      const source = sources[sender]({ secret })
      const verdict = await verify(
        { method: 'POST', url: '/', headers: forwarded ?? headers, body },
        source,
        {
          now: () => NOW_SECONDS * 1000,
        },
      )
      return verdict.ok ? ACCEPTED : `refused: ${verdict.reason}`
    },
    declared: (error) => error.name === 'PosternError',
  },
  standardwebhooks: {
    speaks: ['standard'],
    accepts({ secret, headers, body, forwarded }) {
      new StandardWebhook(secret).verify(body, forwarded ?? folded(headers))
      return ACCEPTED
    },
    // A secret that it cannot take is a plain `Error` of its constructor, or of the base64 decoder there.
    declared: (error) =>
      error instanceof WebhookVerificationError || /secret|base64/i.test(String(error.message)),
  },
  svix: {
    speaks: ['standard'],
    accepts({ secret, headers, body, forwarded }) {
      new SvixWebhook(secret).verify(body, forwarded ?? folded(headers))
      return ACCEPTED
    },
    declared: (error) => error instanceof SvixError || /secret|base64/i.test(String(error.message)),
  },
  stripe: {
    speaks: ['stripe'],
    accepts({ secret, headers, body, forwarded }) {
      const given = forwarded ?? folded(headers)
      api.webhooks.constructEvent(body, given['stripe-signature'], secret)
      return ACCEPTED
    },
    declared: (error) => error instanceof Stripe.errors.StripeSignatureVerificationError,
  },
  '@octokit/webhooks-methods': {
    speaks: ['github'],
    async accepts({ secret, headers, body, forwarded }) {
      const given = forwarded ?? folded(headers)
      const isGood = await octokitVerify(secret, body.toString('utf8'), given['x-hub-signature-256'])
      return isGood ? ACCEPTED : REFUSED
    },
    // It says no with `false`.
    declared: () => false,
  },
}

export const ACCEPTED = 'ACCEPTED'
export const REFUSED = 'refused'

/** What a contender does with an input: refuses, accepts, or throws what it does not declare. */
export async function outcomeOf(contender, input) {
  const { speaks, accepts, declared } = CONTENDERS[contender]
  if (!speaks.includes(input.sender)) return undefined
  const now = Date.now
  Date.now = () => NOW_SECONDS * 1000
  try {
    return await accepts(input)
  } catch (error) {
    return declared(error) ? REFUSED : `throws ${error?.name ?? typeof error}`
  } finally {
    Date.now = now
  }
}

/** As `IncomingMessage.headers` has them: names in lower case, doubled ones joined. */
function folded(headers) {
  const record = {}
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index].toLowerCase()
    record[name] = Object.hasOwn(record, name) ? `${record[name]}, ${headers[index + 1]}` : headers[index + 1]
  }
  return record
}
