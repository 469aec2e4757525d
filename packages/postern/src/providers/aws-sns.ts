import { distrustOwn } from '../core/certificate.ts'
import { soundCertificates } from '../core/certificate-method.ts'
import { fetchingFirst } from '../core/fetching-source.ts'
import {
  fetchPinned,
  type CertificateScheme,
  type KeyFetch,
  type Provider,
  type Source,
  type SourceOptions,
} from '../core/index.ts'
import { FUNCTION, FUNCTION_OR_FLAG, SECRET, someOf } from '../core/option-kinds.ts'
import { optionsOf } from '../core/source-options.ts'
import { defineSoundSource } from '../core/source.ts'
import { HOUR_MS } from './duration.ts'
import type { JsonBody } from './json-body.ts'

/** One of Amazon's regions: narrower than a name of three letters and more, which old addresses of S3 are as well. */
const HOSTS = String.raw`sns\.[a-z]{2,}(?:-[a-z]+)+-[0-9]+\.amazonaws\.com(?:\.cn)?`

function scheme(version: '1' | '2', digest: 'sha1' | 'sha256'): CertificateScheme {
  return {
    name: `sns-v${version}`,
    algorithm: 'rsa-certificate',
    digest,
    members: { SignatureVersion: version },
    signature: { at: { json: ['Signature'] }, encoding: 'base64' },
    certificate: {
      at: { json: ['SigningCertURL'] },
      hosts: HOSTS,
      paths: String.raw`/[A-Za-z0-9._-]+\.pem`,
      trust: 'host',
    },
    // Retries go on for an hour at most, and the time is that of the first.
    timestamp: { in: { json: ['Timestamp'] }, unit: 'rfc3339', toleranceSeconds: 3900 },
    content: [
      {
        lines: ['Message', 'MessageId', 'Subject', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'],
      },
    ],
    expected: { json: ['TopicArn'] },
  }
}

/**
 * Amazon SNS over HTTPS (docs.aws.amazon.com/sns, "Verifying the signatures of Amazon SNS messages"; `sns-validator`). What is
 * signed are members of the body and not its bytes: `UnsubscribeURL` and whatever else stands in it is not.
 *
 * Anybody may make a topic and have it send here, with a genuine signature: the topics that are expected are what a source is
 * configured with.
 *
 * Amazon tries again for an hour at most, whatever a topic's delivery policy says (docs.aws.amazon.com/sns, "Amazon
 * SNS message delivery retries").
 */
export const awsSnsProvider: Provider = {
  name: 'aws-sns',
  title: 'Amazon SNS',
  documentation:
    'https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message-verify-message-signature.html',
  evidence: {
    level: 'proven',
    reason: 'sns-validator 0.3.5, the official library, accepts what is signed here',
  },
  schemes: [scheme('2', 'sha256'), scheme('1', 'sha1')],
  envelopes: [
    {
      name: 'sns-message',
      id: [{ json: ['MessageId'] }],
      type: { json: ['Type'] },
      created: { in: { json: ['Timestamp'] }, unit: 'rfc3339' },
      orderingKey: [{ json: ['TopicArn'] }],
    },
  ],
  handshakes: [
    {
      name: 'subscription_confirmation',
      when: { in: { json: ['Type'] }, equals: 'SubscriptionConfirmation' },
      reply: { visit: { json: ['SubscribeURL'] }, hosts: HOSTS, paths: '/' },
    },
  ],
  warnings: [
    'signatures of version 1 are accepted, over SHA-1, for which two contents of one digest can be made; set the topic to version 2, and signatureVersions to 2 only',
  ],
  retryHorizonMs: HOUR_MS,
  senderTimeoutMs: 15_000,
  undocumented: ['that the time which is signed stays that of the first try, which the tolerance allows for'],
}

/** A message's `Type`. The third that Amazon documents, `SubscriptionConfirmation`, is a handshake and no event. */
export type AwsSnsEventType = 'Notification' | 'UnsubscribeConfirmation'

/**
 * What handlers get as `data`, by type: the whole JSON body, of which `Message` is left as the text that it is. The type
 * is its `Type`.
 */
export type AwsSnsEvents = { readonly [Type in AwsSnsEventType]: JsonBody }

/** As of every source, with the topics that may send here in place of a secret, and what becomes of a new subscription. */
export interface AwsSnsOptions extends Omit<SourceOptions, 'secret'> {
  /**
   * The topic whose messages are accepted, or several; `*` at the end stands for anything, as in
   * `arn:aws:sns:eu-central-1:123456789012:*`. Without any, requests are answered 503.
   */
  readonly topicArn?: SourceOptions['secret']
  /** Which versions of the signature are accepted. Default both: a topic signs with 1, over SHA-1, unless it is set to 2. */
  readonly signatureVersions?: readonly ('1' | '2')[]
  /**
   * What becomes of the address that confirms a subscription, once its request is verified: `true` visits it, and a
   * function is handed it. Without it, it is logged that a subscription waits.
   */
  readonly confirm?: true | ((subscribeUrl: string) => Promise<void>)
  /** Fetches certificates, and visits what is to be confirmed. Default: the global `fetch`. */
  readonly fetch?: KeyFetch
}

/** A source for Amazon SNS. */
export function awsSns(given: AwsSnsOptions = {}): Source<AwsSnsEvents> {
  const { topicArn, signatureVersions, confirm, fetch, ...options } = optionsOf(awsSnsProvider, given, {
    topicArn: SECRET,
    signatureVersions: someOf('1', '2'),
    confirm: FUNCTION_OR_FLAG,
    fetch: FUNCTION,
  })
  const schemes = awsSnsProvider.schemes.filter(
    ({ name }) => signatureVersions?.some((version) => name === `sns-v${version}`) ?? true,
  )
  const provider: Provider = {
    ...awsSnsProvider,
    schemes,
    ...(schemes.every(({ name }) => name !== 'sns-v1') && { warnings: [] }),
  }
  // Its hosts are trusted, so that no chain has to be followed.
  const method = soundCertificates((key, _, nowMs) => distrustOwn(key, nowMs), { fetch })
  const source = fetchingFirst(
    defineSoundSource<AwsSnsEvents>([method], provider, { ...options, secret: topicArn }),
  )
  if (confirm === undefined) return source
  return { ...source, confirm: confirm === true ? (url) => fetchPinned(url, fetch) : confirm }
}
