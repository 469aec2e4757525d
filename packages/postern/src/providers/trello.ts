import {
  answeringHandshakes,
  defineHmacSource,
  type Provider,
  type SignatureScheme,
  type Source,
  type SourceOptions,
} from '../core/index.ts'
import { TEXT } from '../core/option-kinds.ts'
import { optionsOf } from '../core/source-options.ts'
import { SECOND_MS } from './duration.ts'
import type { JsonBody } from './json-body.ts'

const scheme: SignatureScheme = {
  name: 'trello-webhook',
  algorithm: 'hmac-sha1',
  key: { as: 'utf8' },
  signature: { in: [{ header: 'x-trello-webhook' }], encoding: 'base64' },
  content: ['body', 'url'],
}

/**
 * Trello's webhooks (developer.atlassian.com, "Webhooks"): the body and the callback URL are signed, in SHA-1. Give
 * the URL as it was when the webhook was made, `callbackUrl`.
 *
 * When a webhook is made Trello sends a HEAD request to its URL, which wants a 200; it gets one with `handshake: true`.
 *
 * Only others report three further tries: after 30, 60 and 120 s.
 */
export const trelloProvider: Provider = {
  name: 'trello',
  title: 'Trello',
  documentation: 'https://developer.atlassian.com/cloud/trello/guides/rest-api/webhooks/',
  evidence: {
    level: 'reported',
    reason: 'from memory of its documentation, which was not at hand; no example is published',
  },
  schemes: [scheme],
  envelopes: [
    {
      name: 'trello-action',
      id: [{ json: ['action', 'id'] }],
      type: { json: ['action', 'type'] },
      created: { in: { json: ['action', 'date'] }, unit: 'rfc3339' },
      orderingKey: [{ json: ['model', 'id'] }],
    },
  ],
  retryHorizonMs: 210 * SECOND_MS,
  openHandshakes: [{ name: 'trello-head', method: 'HEAD', when: [], reply: { status: 200 } }],
}

/** Common types; others are accepted and stored all the same. */
export type TrelloEventType =
  | 'addMemberToCard'
  | 'commentCard'
  | 'createCard'
  | 'createList'
  | 'deleteCard'
  | 'updateBoard'
  | 'updateCard'
  | 'updateList'

/** What handlers get as `data`, by type: the whole JSON body, its members unchecked. The type is its `action.type`. */
export type TrelloEvents = { readonly [Type in TrelloEventType]: JsonBody }

/**
 * As of every source, and the URL that Trello signs, and whether the request by which it tries that URL is answered
 * (default: it is not).
 */
export interface TrelloOptions extends SourceOptions {
  /**
   * The callback URL, character for character as it was when the webhook was made. Without it
   * `request.url` is taken, which then has to be that URL and not a path.
   */
  readonly callbackUrl?: string
  /** Answers the HEAD request by which Trello tries the URL. */
  readonly handshake?: boolean
}

/** A source for Trello: the secret is the API key's secret. */
export function trello(given: TrelloOptions = {}): Source<TrelloEvents> {
  const { callbackUrl, handshake, ...options } = optionsOf(trelloProvider, given, { callbackUrl: TEXT })
  const provider = callbackUrl === undefined ? trelloProvider : forUrl(callbackUrl)
  return answeringHandshakes(defineHmacSource<TrelloEvents>(provider, options), handshake)
}

function forUrl(url: string): Provider {
  return { ...trelloProvider, schemes: [{ ...scheme, content: ['body', { literal: url }] }] }
}
