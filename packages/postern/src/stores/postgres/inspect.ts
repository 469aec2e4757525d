import { PosternError } from '../../core/index.ts'
import type { StoreInspection, StoreSetting } from '../../inbox/index.ts'
import type { Transaction } from './server.ts'

export interface InspectSettings {
  readonly schema: string
  readonly mayLoseAcknowledgedEvents: boolean
  readonly offsetMs: number
}

interface InspectedRow {
  readonly engine: string
  readonly fsync: string
  readonly full_page_writes: string
  readonly synchronous_commit: string
  readonly clock_ms: string
  readonly migrations: string | null
}

/** What the server is, and whether it keeps what it acknowledges. Reads no table of the inbox but the list of its migrations. */
export async function inspect(
  tx: Transaction,
  { schema, mayLoseAcknowledgedEvents, offsetMs }: InspectSettings,
): Promise<StoreInspection> {
  const askedMs = Date.now()
  const [row] = await tx.rows<InspectedRow>(
    `SELECT 'PostgreSQL ' || split_part(current_setting('server_version'), ' ', 1) AS engine, current_setting('fsync') AS fsync,
            current_setting('full_page_writes') AS full_page_writes,
            (SELECT reset_val FROM pg_settings WHERE name = 'synchronous_commit') AS synchronous_commit,
            floor(extract(epoch FROM clock_timestamp()) * 1000) AS clock_ms,
            to_regclass($1) AS migrations`,
    [`${schema}.migration`],
  )
  if (row === undefined) throw new Error('the server answered a SELECT without a table with no row')
  const answeredMs = Date.now()
  return {
    engine: row.engine,
    schemaVersion: row.migrations === null ? undefined : await schemaVersion(tx, schema),
    clockAheadMs: Math.round(Number(row.clock_ms) + offsetMs - (askedMs + answeredMs) / 2),
    settings: settingsOf(row),
    acceptsLoss: mayLoseAcknowledgedEvents,
  }
}

/** How many migrations were applied. */
export async function schemaVersion(tx: Transaction, schema: string): Promise<number> {
  const [row] = await tx.rows<{ applied: string }>(`SELECT count(*) AS applied FROM ${schema}.migration`)
  return Number(row?.applied ?? 0)
}

/** What must be changed before this server may acknowledge events; `undefined` where nothing must. */
export function refusalOf({ settings, acceptsLoss }: StoreInspection): PosternError | undefined {
  const unsound = settings.filter(({ isSound }) => !isSound)
  if (acceptsLoss || unsound.length === 0) return undefined
  const named = unsound.map(({ name, value, wanted }) => `${name} is ${value}, and must be ${wanted}`)
  return new PosternError(
    'unsafe_store',
    `PostgreSQL would lose what it has acknowledged when the power is cut: ${named.join('; ')}`,
  )
}

/** `synchronous_commit` is sound at any value: where it is off, the inbox turns it on in each of its transactions. */
function settingsOf(row: InspectedRow): readonly StoreSetting[] {
  const isOff = row.synchronous_commit === 'off'
  return [
    { name: 'fsync', value: row.fsync, wanted: 'on', isSound: row.fsync === 'on' },
    {
      name: 'full_page_writes',
      value: row.full_page_writes,
      wanted: 'on',
      isSound: row.full_page_writes === 'on',
    },
    {
      name: 'synchronous_commit',
      value: isOff ? 'off, and on in every transaction of the inbox' : row.synchronous_commit,
      wanted: 'on',
      isSound: true,
    },
  ]
}
