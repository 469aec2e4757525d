import type { Scheme, Place, TimestampRule } from './scheme.ts'

/** Who sends, as data: how its requests are authenticated and where things stand in them. JSON-serialisable. */
export interface Provider {
  /** Lower-case, as in a path: `[a-z0-9_-]{1,64}`. */
  readonly name: string
  readonly title: string
  /** The provider's own page about its webhooks, where it has one. */
  readonly documentation?: string
  /** How sure its schemes are, and by what. */
  readonly evidence?: Evidence
  /** Any of them may authenticate a request; where they are verified by several secrets, one of each secret's. */
  readonly schemes: readonly Scheme[]
  /** Tried in order; the first whose id places are in the body or in signed headers gives id, type and time. */
  readonly envelopes: readonly Envelope[]
  /**
   * How long after the first try the provider may send an event again, of its own accord or when it is asked to, as far as
   * a limit is known: an event is remembered for as long at least. 0 where it never does; absent where nothing is known.
   */
  readonly retryHorizonMs?: number
  /** The provider's time limit for an answer; absent where it is not known. */
  readonly senderTimeoutMs?: number
  /**
   * What is made of an authentic request whose body is not a JSON object or array: an event of type `unknown` without
   * data, or, where absent, a refusal.
   */
  readonly unreadableBody?: 'keep'
  /**
   * Every arrival is an event of its own, a copy too: the sender gives no id, and says the same of different happenings
   * in the same bytes. Nothing is then a duplicate, so that a handler has to bear being run again.
   */
  readonly everyArrival?: true
  /** Statuses that this provider needs in place of the usual ones. */
  readonly answers?: {
    /** In place of 401. */
    readonly notAuthentic?: 400 | 403
  }
  /** Requests that are no events and want an answer of their own; signed as events are, and verified first. */
  readonly handshakes?: readonly Handshake[]
  /** Those that cannot be verified first, since nothing signs them; answered where the source's option says so. */
  readonly openHandshakes?: readonly OpenHandshake[]
  /** How several secrets are valid at once while one is replaced, where its sender does something about it. */
  readonly rotation?: string
  /** What whoever configures it should know of its schemes; told at each start. */
  readonly warnings?: readonly string[]
  /** What the provider's public text does not say, so that nothing here can be relied on for it. */
  readonly undocumented?: readonly string[]
}

/** What a provider's schemes rest on. */
export interface Evidence {
  /**
   * `proven`: an official example verifies, or an official library agrees with what is signed here. `documented`: the
   * provider's own text says so. `reported`: only others say so.
   */
  readonly level: 'proven' | 'documented' | 'reported'
  readonly reason: string
}

/** A request by which a provider sees that somebody is there who has the secret. It is answered, and never stored. */
export interface Handshake {
  readonly name: string
  /** What stands at a place of it, and what must not. */
  readonly when: { readonly in: Place; readonly equals: string; readonly unless?: Place }
  readonly reply: HandshakeReply
}

/** A request that nothing signs, by which a provider asks whether it may send here. Answered, and never stored. */
export interface OpenHandshake {
  readonly name: string
  readonly method: 'GET' | 'HEAD' | 'OPTIONS' | 'POST'
  /** What stands at places of it; where no text is given, any text. */
  readonly when: readonly { readonly in: Place; readonly equals?: string }[]
  /** Where a token stands that its receiver has chosen. */
  readonly token?: Place
  /** Where the sender names itself, for the receiver to allow it. */
  readonly origin?: Place
  /** Where the secret stands that events are signed with from then on. */
  readonly secret?: Place
  /** Whether it has to carry what authenticates an event, as a secret in the URL. */
  readonly isAuthenticated?: true
  readonly reply: HandshakeReply
}

/** What is answered, with 200 where no status is given. A handshake whose places hold nothing is none. */
export type HandshakeReply =
  /** What stands at a place, as `text/plain`. */
  | { readonly text: Place }
  /** Members of a JSON object. */
  | { readonly json: Readonly<Record<string, HandshakeMember>> }
  /** Headers alone, each with a text of its own or with what stands at a place. */
  | { readonly headers: Readonly<Record<string, string | Place>> }
  | { readonly status: 200 | 204 }
  /** The source's `confirm` is handed the address at a place, which has to be one of these; then it is answered. */
  | { readonly visit: Place; readonly hosts: string; readonly paths: string }

/** What a member of a handshake's answer holds: a number, what stands at a place of the request, or the HMAC of that. */
export type HandshakeMember =
  | number
  | Place
  /** HMAC-SHA256 of what stands at a place, by the key that verified the request. */
  | { readonly hmac: Place; readonly encoding: 'hex' | 'base64'; readonly prefix?: string }

/** Where id, type, time and ordering key stand in a provider's requests. */
export interface Envelope {
  readonly name: string
  /** Several places make one id together. */
  /** None where the provider gives no id: then the digest of the body is it. */
  readonly id: readonly Place[]
  /**
   * Where no text stands here, and there is no `defaultType`, it is none of a request's envelopes, and its id counts for nothing.
   * Without a place and a default it is an envelope of every request, and the type is `unknown`.
   */
  readonly type?: Place
  /** It is none of a request's envelopes where a text stands here, as in the second element of a batch. */
  readonly unless?: Place
  /** The type of an event that names none. */
  readonly defaultType?: string
  readonly created?: { readonly in: Place; readonly unit: TimestampRule['unit'] }
  readonly orderingKey?: readonly Place[]
  /** Where the handler's `data` stands in the JSON body; the whole body where absent. */
  readonly data?: readonly string[]
}
