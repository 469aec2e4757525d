import {
  defineSourceBy,
  hmacs,
  headerSecrets,
  type Encoding,
  type Envelope,
  type Provider,
  type Secret,
  type SignatureScheme,
  type Source,
  type SourceOptions,
} from '../core/index.ts'
import { SECRET, TEXTS } from '../core/option-kinds.ts'
import { optionsOf } from '../core/source-options.ts'
import { atPaths, type BodyPaths } from './body-paths.ts'

/** What a user has written into the automation's payload. */
export type WandbPayload = Readonly<Record<string, unknown>>

/** The values of `${event_type}` that the documentation names; others are accepted and stored all the same. */
export type WandbEvents = {
  readonly LINK_ARTIFACT: WandbPayload
  readonly ADD_ARTIFACT_ALIAS: WandbPayload
}

const envelope: Envelope = {
  name: 'wandb-automation',
  id: [{ json: ['id'] }],
  type: { json: ['event_type'] },
}

/**
 * Webhook automations of Weights & Biases (docs.wandb.ai, "Create a webhook automation"): `X-Wandb-Signature` with the
 * HMAC-SHA256 of the body where a secret is set, `Authorization: Bearer` where an access token is, or both.
 *
 * Its documentation's script writes the signature in base64; three independent receivers expect hexadecimal, one of them
 * after `sha256=`. All three forms are taken. Neither a time nor an id is sent.
 */
export const wandbProvider: Provider = /* @__PURE__ */ described()

/** Apart from what verifies, so that a bundler can leave it out: an app has no use for it. */
function described(): Provider {
  return {
    ...wandbWith({}),
    documentation: 'https://docs.wandb.ai/guides/automations/create-automations/webhook',
    evidence: {
      level: 'documented',
      reason: "its documentation's script and three independent receivers, which differ",
    },
    undocumented: [
      'whether the signature is base64 or hexadecimal',
      'retries and the time limit for an answer',
    ],
  }
}

/** As of every source, with a secret for each of the two ways in which W&B authenticates itself. */
export interface WandbOptions extends SourceOptions, BodyPaths {
  /** The secret that signs, chosen in the webhook's settings. */
  readonly secret?: Secret
  /**
   * The access token, another secret than the one that signs. Where both are set a request must have both; where one is
   * set, that one.
   */
  readonly accessToken?: Secret
}

/**
 * A source for W&B automations.
 *
 * `id` and `type` say where your payload has them; default `id` and `event_type`. Without an id there, the digest of the
 * body is the id, and two automations that send the same text are one event: put something unique into the payload, such
 * as `"id": "${event_type} ${artifact_version_string}"`.
 */
export function wandb(options: WandbOptions = {}): Source<WandbEvents> {
  const { accessToken, id, type, ...rest } = optionsOf({ name: 'wandb' }, options, {
    accessToken: SECRET,
    id: TEXTS,
    type: TEXTS,
  })
  const paths = { ...(id !== undefined && { id }), ...(type !== undefined && { type }) }
  return defineSourceBy<WandbEvents>([hmacs, headerSecrets], wandbWith(paths), {
    ...rest,
    otherSecrets: { accessToken },
  })
}

function wandbWith(paths: BodyPaths): Provider {
  return {
    name: 'wandb',
    title: 'W&B automations',
    schemes: [
      signatureScheme('wandb-signature-base64', 'base64'),
      signatureScheme('wandb-signature-hex', 'hex'),
      signatureScheme('wandb-signature-sha256-hex', 'hex', 'sha256='),
      {
        name: 'wandb-access-token',
        algorithm: 'static-secret',
        verifiedBy: 'accessToken',
        secret: { header: 'authorization', authScheme: 'Bearer' },
      },
    ],
    envelopes: [atPaths(envelope, paths)],
  }
}

function signatureScheme(name: string, encoding: Encoding, prefix?: string): SignatureScheme {
  return {
    name,
    algorithm: 'hmac-sha256',
    key: { as: 'utf8' },
    signature: {
      in: [{ header: 'x-wandb-signature' }],
      ...(prefix !== undefined && { prefix }),
      encoding,
    },
    content: ['body'],
  }
}
