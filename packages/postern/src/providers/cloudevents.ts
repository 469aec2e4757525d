import {
  answeringHandshakes,
  defineSourceBy,
  headerSecrets,
  type Provider,
  type Source,
  type SourceOptions,
} from '../core/index.ts'
import { optionsOf } from '../core/source-options.ts'
import { cloudEventsHandshake } from './cloudevents-handshake.ts'

/**
 * CloudEvents over HTTP (`cloudevents/spec`, "HTTP 1.1 Web Hooks for Event Delivery"), authorised by a bearer token:
 * in the structured mode, where the event is the body, and in the binary one, where its attributes are `ce-` headers.
 *
 * The token is all there is; nothing is signed. The OPTIONS request by which a sender asks whether it may send is answered
 * with `handshake`. Of the binary mode's id the body's digest is a second guard.
 */
export const cloudeventsProvider: Provider = {
  name: 'cloudevents',
  title: 'CloudEvents, bearer token',
  documentation: 'https://github.com/cloudevents/spec/blob/main/cloudevents/http-webhook.md',
  evidence: { level: 'documented', reason: 'a plain comparison, as the specification has it' },
  schemes: [
    {
      name: 'cloudevents-bearer',
      algorithm: 'static-secret',
      secret: { header: 'authorization', authScheme: 'Bearer' },
    },
  ],
  envelopes: [
    {
      name: 'cloudevents-structured',
      id: [{ json: ['source'] }, { json: ['id'] }],
      type: { json: ['type'] },
      created: { in: { json: ['time'] }, unit: 'rfc3339' },
      orderingKey: [{ json: ['subject'] }],
    },
    {
      name: 'cloudevents-binary',
      id: [{ header: 'ce-source' }, { header: 'ce-id' }],
      type: { header: 'ce-type' },
      created: { in: { header: 'ce-time' }, unit: 'rfc3339' },
      orderingKey: [{ header: 'ce-subject' }],
    },
  ],
  openHandshakes: [cloudEventsHandshake('cloudevents-abuse-protection')],
}

/** As of every source, and whether a sender that asks is told that it may send. Default: it is not answered. */
export interface CloudeventsOptions extends SourceOptions {
  /** Allows whoever asks to send here, or only `origins`. Nothing signs the question. */
  readonly handshake?: boolean | { readonly origins?: readonly string[] }
}

/** A source for CloudEvents, bearer token: the secret is the token. */
export function cloudevents(given: CloudeventsOptions = {}): Source {
  const { handshake, ...options } = optionsOf(cloudeventsProvider, given)
  return answeringHandshakes(defineSourceBy([headerSecrets], cloudeventsProvider, options), handshake)
}
