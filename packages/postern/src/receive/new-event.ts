import type { HeaderList, Source, WebhookEvent, WebhookRequest } from '../core/index.ts'
import type { ReadEvent } from '../core/envelope.ts'
import type { NewEvent, PutLease } from '../inbox/index.ts'

/** Carry credentials of whoever sends or of a proxy; none is needed once the request is verified. */
const SECRET_HEADERS: readonly string[] = ['authorization', 'proxy-authorization', 'cookie']
const SECRET_LENGTHS: readonly number[] = SECRET_HEADERS.map(({ length }) => length)

/** The event of a verified request, as the store takes it. */
export function newEvent(
  name: string,
  source: Source,
  request: WebhookRequest,
  verified: { readonly read: ReadEvent; readonly scheme: string },
  destinations: readonly string[],
  lease?: PutLease,
): NewEvent {
  const { read, scheme } = verified
  return {
    tenant: '',
    source: name,
    id: read.id,
    idKind: read.idKind,
    type: read.type,
    createdMs: read.createdMs,
    orderingKey: read.orderingKey,
    verifiedBy: scheme,
    body: request.body,
    headers: withoutSecrets(request.headers),
    dedupeWindowMs: source.dedupeWindowMs,
    onDead: source.onDead,
    onConflict: source.onConflict,
    destinations,
    lease,
  }
}

/** The event of a verified request, as its handlers will see it. */
export function receivedEvent(
  name: string,
  { read, request }: { readonly read: ReadEvent; readonly request: WebhookRequest },
): WebhookEvent {
  return {
    source: name,
    id: read.id,
    type: read.type,
    created: read.createdMs === undefined ? undefined : new Date(read.createdMs),
    data: read.data,
    body: request.body,
    headers: withoutSecrets(request.headers),
  }
}

/** The headers without those that carry credentials; the same list where none does. */
export function withoutSecrets(headers: HeaderList): HeaderList {
  let kept: string[] | undefined
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] as string
    if (isSecret(name)) kept ??= headers.slice(0, index)
    else kept?.push(name, headers[index + 1] ?? '')
  }
  return kept ?? headers
}

function isSecret(name: string): boolean {
  return SECRET_LENGTHS.includes(name.length) && SECRET_HEADERS.includes(name.toLowerCase())
}
