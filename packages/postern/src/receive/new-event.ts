import type { HeaderList, Source, WebhookRequest } from '../core/index.ts'
import type { ReadEvent } from '../core/envelope.ts'
import { dedupeKey, type DedupeRecord, type NewEvent } from '../inbox/index.ts'

/** Carry credentials of whoever sends or of a proxy; none is needed once the request is verified. */
const SECRET_HEADERS: readonly string[] = ['authorization', 'proxy-authorization', 'cookie']

/** The event of a verified request, as the store takes it. */
export function newEvent(
  name: string,
  source: Source,
  request: WebhookRequest,
  verified: { readonly read: ReadEvent; readonly scheme: string },
  destinations: readonly string[],
): NewEvent {
  const { read, scheme } = verified
  return {
    tenant: '',
    source: name,
    id: read.id,
    type: read.type,
    createdMs: read.createdMs,
    orderingKey: read.orderingKey,
    verifiedBy: scheme,
    body: request.body,
    digest: read.digest,
    headers: withoutSecrets(request.headers),
    keys: dedupeRecords('', name, read),
    dedupeWindowMs: source.dedupeWindowMs,
    destinations,
  }
}

/** The headers without those that carry credentials. */
export function withoutSecrets(headers: HeaderList): HeaderList {
  const kept: string[] = []
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] as string
    if (!isSecret(name)) kept.push(name, headers[index + 1] ?? '')
  }
  return kept
}

function isSecret(name: string): boolean {
  return SECRET_HEADERS.some((secret) => secret.length === name.length && secret === name.toLowerCase())
}

/**
 * What the event is remembered by: a signed id alone; where the id is not signed, the body as well, so that a captured
 * body under a new id is a duplicate; where there is none, the body alone.
 */
function dedupeRecords(tenant: string, source: string, read: ReadEvent): readonly DedupeRecord[] {
  const records: DedupeRecord[] = []
  if (read.idKind !== 'digest') records.push({ kind: 'id', key: dedupeKey('id', tenant, source, read.id) })
  if (read.idKind !== 'signed') {
    const hex = Buffer.from(read.digest).toString('hex')
    records.push({ kind: 'body', key: dedupeKey('body', tenant, source, hex) })
  }
  return records
}
