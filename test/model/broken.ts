/**
 * Stores with one thing broken: the sound store's own source with one place changed, so that what breaks is what a slip
 * of the pen would break. A change that no longer finds its place fails, and is to be made anew.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'

const SOURCE = resolve('packages/postern/src')

/** A change of one place in one file. */
export interface Change {
  readonly file: string
  readonly from: string
  readonly to: string
}

export interface Broken extends Change {
  /** As it goes on after "finds a store that". */
  readonly name: string
}

/** Builds the store of a folder with some places changed; answers its module. */
export async function broken<Module>(
  folder: string,
  entry: string,
  { name }: Pick<Broken, 'name'>,
  ...changes: readonly Change[]
): Promise<Module> {
  const outfile = join(folder, `${`${entry} ${name}`.replaceAll(/\W+/g, '-')}.mjs`)
  const changed = new Map<string, string>()
  for (const { file, from, to } of changes) {
    const path = join(SOURCE, file)
    const source = changed.get(path) ?? readFileSync(path, 'utf8')
    if (source.split(from).length !== 2) throw new Error(`${file} has no single place that reads: ${from}`)
    changed.set(
      path,
      source.replace(from, () => to),
    )
  }
  await build({
    entryPoints: [join(SOURCE, entry)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
    plugins: [
      {
        name: 'break',
        setup: ({ onLoad }) =>
          onLoad({ filter: /\.ts$/ }, (args) => {
            const contents = changed.get(args.path)
            return contents === undefined ? undefined : { contents, loader: 'ts' }
          }),
      },
    ],
  })
  // What was built is the entry, and exports what the entry does.
  return (await import(/* @vite-ignore */ pathToFileURL(outfile).href)) as Module
}

export const BROKEN_MEMORY: readonly Broken[] = [
  {
    name: 'tells tenants’ ids not apart',
    file: 'inbox/dedupe-key.ts',
    from: "key: dedupeKey('id', tenant, source, id)",
    to: "key: dedupeKey('id', '', source, id)",
  },
  {
    name: 'forgets the body of an unsigned id',
    file: 'inbox/dedupe-key.ts',
    from: "if (idKind !== 'signed')",
    to: "if (idKind === 'digest')",
  },
  {
    name: 'remembers an id for one millisecond longer',
    file: 'stores/memory/put.ts',
    from: 'nowMs < row.expiresMs ? row',
    to: 'nowMs <= row.expiresMs ? row',
  },
  {
    name: 'lets a conflict take the first event’s id',
    file: 'stores/memory/put.ts',
    from: '[...free, own]',
    to: '[...fingerprint.records, own]',
  },
  {
    name: 'does not know a conflict’s copy',
    file: 'stores/memory/put.ts',
    from: '[...free, own]',
    to: 'free',
  },
  {
    name: 'delivers a conflict that is held',
    file: 'stores/memory/put.ts',
    from: "if (event.onConflict === 'dispatch') add",
    to: 'add',
  },
  {
    name: 'counts no copies',
    file: 'stores/memory/put.ts',
    from: 'duplicates: row.duplicates + 1',
    to: 'duplicates: row.duplicates',
  },
  {
    name: 'leases to a copy what has succeeded',
    file: 'stores/memory/put.ts',
    from: "state === 'succeeded' || (state === 'leased' && nowMs < leaseUntilMs)",
    to: "state === 'leased' && nowMs < leaseUntilMs",
  },
  {
    name: 'leases to a put out of turn',
    file: 'stores/memory/put.ts',
    from: ' || !isTurnOf(tables, newest)',
    to: '',
  },
  {
    name: 'leases a dead delivery that was overtaken',
    file: 'stores/memory/put.ts',
    from: " && !(row.state === 'dead' && lane.hasOvertaken(row.deliverySeq))",
    to: '',
  },
  {
    name: 'goes on with the schedule of a dead delivery that a put leases',
    file: 'stores/memory/put.ts',
    from: "state: 'pending', attempt: 0, blocks: false",
    to: "state: 'pending', blocks: false",
  },
  {
    name: 'ignores the limit of a claim',
    file: 'stores/memory/claim.ts',
    from: 'while (claimed.length < limit)',
    to: 'while (limit > 0)',
  },
  {
    name: 'forgets the attempt of a lease that ended',
    file: 'stores/memory/claim.ts',
    from: 'const attempt = row.attempt + 1',
    to: "const attempt = row.state === 'leased' ? row.attempt : row.attempt + 1",
  },
  {
    name: 'gives the token of a lease that ended again',
    file: 'stores/memory/claim.ts',
    from: 'const token = row.token + 1',
    to: "const token = row.state === 'leased' ? row.token : row.token + 1",
  },
  {
    name: 'takes what waits before what lost its worker',
    file: 'stores/memory/claim.ts',
    from: 'leased.takeDue(nowMs) ?? pending.takeDue(nowMs)',
    to: 'pending.takeDue(nowMs) ?? leased.takeDue(nowMs)',
  },
  {
    name: 'claims one millisecond early',
    file: 'stores/memory/due-queue.ts',
    from: 'atMs <= nowMs ?',
    to: 'atMs <= nowMs + 1 ?',
  },
  {
    name: 'claims in no order of time',
    file: 'stores/memory/due-queue.ts',
    from: 'return a.atMs < b.atMs || (a.atMs === b.atMs && a.deliverySeq < b.deliverySeq)',
    to: 'return a.deliverySeq < b.deliverySeq',
  },
  {
    name: 'lets the next of a key through while one runs',
    file: 'stores/memory/lane.ts',
    from: 'return this.#leasedSeq ?? this.#open[0]',
    to: 'return this.#open.find((seq) => seq !== this.#leasedSeq) ?? this.#leasedSeq',
  },
  {
    name: 'lets one that was redriven by force pass one that runs',
    file: 'stores/memory/lane.ts',
    from: 'return this.#leasedSeq ?? this.#open[0]',
    to: 'return this.#open[0]',
  },
  {
    name: 'puts a redriven delivery last of its key',
    file: 'stores/memory/lane.ts',
    from: 'this.#open.findIndex((open) => open > deliverySeq)',
    to: 'this.#open.length',
  },
  {
    name: 'keeps a key blocked when its dead delivery is discarded',
    file: 'stores/memory/operate.ts',
    from: 'dueMs, blocks: false',
    to: 'dueMs',
  },
  {
    name: 'takes continue for block',
    file: 'stores/memory/settle.ts',
    from: "?.onDead === 'block'",
    to: ' !== undefined',
  },
  {
    name: 'takes block for continue',
    file: 'stores/memory/settle.ts',
    from: "?.onDead === 'block'",
    to: ' === null',
  },
  {
    name: 'does not look at the token of a settlement',
    file: 'stores/memory/settle.ts',
    from: "row?.state === 'leased' && row.token === token",
    to: "row?.state === 'leased'",
  },
  {
    name: 'settles what is settled',
    file: 'stores/memory/settle.ts',
    from: "row?.state === 'leased' && row.token === token",
    to: 'row?.token === token',
  },
  {
    name: 'counts the attempt of what is given back',
    file: 'stores/memory/settle.ts',
    from: 'attempt: row.attempt - 1, dueMs',
    to: 'dueMs',
  },
  {
    name: 'settles though an effect failed',
    file: 'stores/memory/settle.ts',
    from: '    tables.setDelivery(leased)\n    return { result',
    to: '    return { result',
  },
  {
    name: 'never shortens a lease',
    file: 'stores/memory/settle.ts',
    from: '{ ...leased, leaseUntilMs }',
    to: '{ ...leased, leaseUntilMs: Math.max(leased.leaseUntilMs ?? 0, leaseUntilMs) }',
  },
  {
    name: 'redrives what was overtaken',
    file: 'stores/memory/operate.ts',
    from: 'isOvertaken && force !== true',
    to: 'isOvertaken && force === false',
  },
  {
    name: 'ignores force',
    file: 'stores/memory/operate.ts',
    from: 'isOvertaken && force !== true',
    to: 'isOvertaken',
  },
  {
    name: 'goes on with the schedule of a redriven delivery',
    file: 'stores/memory/operate.ts',
    from: "to === 'redrive' ? 0 : row.attempt",
    to: 'row.attempt',
  },
  {
    name: 'cancels what is leased',
    file: 'inbox/lifecycle.ts',
    from: "cancel: { from: ['pending']",
    to: "cancel: { from: ['pending', 'leased']",
  },
  {
    name: 'prunes an event with a dead delivery',
    file: 'stores/memory/operate.ts',
    from: "state === 'succeeded' || state === 'cancelled'",
    to: "state !== 'pending' && state !== 'leased'",
  },
  {
    name: 'prunes one millisecond early',
    file: 'stores/memory/operate.ts',
    from: '> eventsOlderThanMs &&',
    to: '>= eventsOlderThanMs &&',
  },
  {
    name: 'forgets the ids of what it prunes',
    file: 'stores/memory/operate.ts',
    from: 'for (const row of events) tables.deleteEvent(row)',
    to: 'for (const row of events) { tables.deleteEvent(row); tables.dedupe.clear() }',
  },
  {
    name: 'repeats the last of a page on the next',
    file: 'stores/memory/read.ts',
    from: 'before - 1',
    to: 'before',
  },
  {
    name: 'begins a list that goes up with what was shown last',
    file: 'stores/memory/read.ts',
    from: 'Math.max(0, after ?? 0) + 1',
    to: 'Math.max(1, after ?? 1)',
  },
  {
    name: 'counts no copies of what is refused',
    file: 'stores/memory/rejected-requests.ts',
    from: 'copies: row.copies + 1',
    to: 'copies: 1',
  },
  {
    name: 'remembers an entry past its time',
    file: 'stores/memory/entries.ts',
    from: 'nowMs < row.expiresMs ? row.value',
    to: 'nowMs <= row.expiresMs ? row.value',
  },
]

export const BROKEN_SQLITE: readonly Broken[] = [
  {
    name: 'lists the newest first where the oldest were asked for',
    file: 'stores/sqlite/reads.ts',
    from: "query.after === undefined ? 'DESC' : 'ASC'",
    to: "'DESC'",
  },
  {
    name: 'does not look at the token of a settlement',
    file: 'stores/sqlite/writes.ts',
    from: "WHERE seq = ? AND token = ? AND state = 'leased'`)",
    to: "WHERE seq = ? AND ? > 0 AND state = 'leased'`)",
  },
  {
    name: 'keeps what a failed settlement did',
    file: 'stores/sqlite/writes.ts',
    from: "connection.sql('ROLLBACK TO settlement').run()",
    to: '',
  },
  {
    name: 'forgets the last error of what is given back',
    file: 'stores/sqlite/writes.ts',
    from: 'error = coalesce(?, error)',
    to: 'error = ?',
  },
  {
    name: 'keeps one attempt of a number',
    file: 'stores/sqlite/writes.ts',
    from: '.run(deliverySeq, token, attempt,',
    to: '.run(deliverySeq, token - (row.attempt === 1 ? token : 0), row.attempt,',
  },
  {
    name: 'extends a lease and not its line’s',
    file: 'stores/sqlite/writes.ts',
    from: 'if (row.lane !== null) prolonged(connection, row.lane, untilMs)',
    to: '',
  },
  {
    name: 'forgets the ids of what it prunes',
    file: 'stores/sqlite/writes.ts',
    from: 'connection.dedupe.keep(new Set(old.map(({ seq }) => seq)), nowMs)',
    to: '',
  },
  {
    name: 'leaves the head of a line that is cancelled',
    file: 'stores/sqlite/lane.ts',
    from: 'if (!isRunning(connection, lane)) chooseHead(connection, lane)',
    to: '',
  },
  {
    name: 'lets one that was redriven by force pass one that runs',
    file: 'stores/sqlite/lane.ts',
    from: 'if (!isRunning(connection, lane)) chooseHead(connection, lane)',
    to: 'chooseHead(connection, lane)',
  },
  {
    name: 'makes the newest of a key its head',
    file: 'stores/sqlite/lane.ts',
    from: 'if (lane.headSeq !== null) return',
    to: '',
  },
  {
    name: 'forgets lines where something dead could come back',
    file: 'stores/sqlite/lane.ts',
    from: 'AND NOT EXISTS (SELECT 1 FROM delivery WHERE delivery.lane = lane.seq',
    to: 'AND NOT EXISTS (SELECT 1 FROM delivery WHERE delivery.seq = -lane.seq',
  },
  {
    name: 'takes continue for block',
    file: 'stores/sqlite/lane.ts',
    from: "AND on_dead = 'block' AND",
    to: 'AND',
  },
  {
    name: 'puts a dead delivery that a put leases in no line',
    file: 'stores/sqlite/put.ts',
    from: 'SET attempt = 0, open_lane = lane WHERE',
    to: 'SET attempt = 0 WHERE',
  },
  {
    name: 'knows no ids after it was opened again',
    file: 'stores/sqlite/dedupe-index.ts',
    from: '    this.#load()\n',
    to: '',
  },
  {
    name: 'remembers an id for one millisecond longer',
    file: 'stores/sqlite/dedupe-index.ts',
    from: 'if (entry !== undefined && entry.expiresMs > nowMs) return entry\n    return this',
    to: 'if (entry !== undefined && entry.expiresMs >= nowMs) return entry\n    return this',
  },
  {
    name: 'takes the limit of a claim twice, for ended leases and for the rest',
    file: 'stores/sqlite/claim.ts',
    from: 'limit: limit - first.length',
    to: 'limit',
  },
  {
    name: 'claims what is in line before what is not',
    file: 'stores/sqlite/claim.ts',
    from: 'left[1] - right[1] || left[0] - right[0]',
    to: 'right[0] - left[0]',
  },
]
