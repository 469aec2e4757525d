import type { ServerBreak } from './broken-servers.ts'

const PUT = 'stores/postgres/migrations/put-function.ts'
const CLAIM = 'stores/postgres/migrations/claim-function.ts'
const SETTLE = 'stores/postgres/migrations/settle-function.ts'
const SHARED = 'stores/postgres/migrations/shared-functions.ts'

export const BROKEN_POSTGRES: readonly ServerBreak[] = [
  {
    name: 'takes every event for a new one',
    file: PUT,
    from: 'IF reserved < key_count THEN',
    to: 'IF false THEN',
    clause: 'put/duplicate',
  },
  {
    name: 'does not hold a key that is there already (DO NOTHING)',
    file: PUT,
    from: `ON CONFLICT (key) DO UPDATE SET digest = excluded.digest, event_seq = excluded.event_seq, expires_ms = excluded.expires_ms
    WHERE old.expires_ms <= now_ms;
    GET`,
    to: 'ON CONFLICT (key) DO NOTHING;\n    GET',
    clause: 'ids whose window is over',
  },
  {
    name: 'counts one copy at most',
    file: PUT,
    from: 'DO UPDATE SET copies = duplicate.copies + excluded.copies',
    to: 'DO NOTHING',
    clause: 'model',
  },
  {
    name: 'puts every delivery of a line in turn at once',
    file: PUT,
    from: 'CASE WHEN is_first THEN now_ms + coalesce(lease_ms, 0) END',
    to: 'now_ms + coalesce(lease_ms, 0)',
    clause: 'order/one-at-a-time',
  },
  {
    name: 'leases what another holds',
    file: CLAIM,
    from: "state = 'leased' AND at_ms <= now_ms",
    to: "state = 'leased'",
    clause: 'claim/lease',
  },
  {
    name: 'claims what is not due',
    file: CLAIM,
    from: "state = 'pending' AND at_ms <= now_ms",
    to: "state = 'pending' AND at_ms IS NOT NULL",
    clause: 'settle/retry',
  },
  {
    name: 'takes the limit of a claim twice, for ended leases and for the rest',
    file: CLAIM,
    from: 'LIMIT limits[n] - coalesce(cardinality(lost.seqs), 0)',
    to: 'LIMIT limits[n]',
    clause: 'claim/limit',
  },
  {
    name: 'gives the token of a lease that ended again',
    file: CLAIM,
    from: 'token = token + 1, attempt = attempt + 1',
    to: 'token = greatest(token, 1), attempt = attempt + 1',
    clause: 'settle/fence',
  },
  {
    name: 'does not look at the token of a settlement',
    file: SETTLE,
    from: `seq = ANY (said.seqs) AND token = \${ofSuccess('tokens')} AND`,
    to: 'seq = ANY (said.seqs) AND',
    clause: 'settle/fence',
  },
  {
    name: 'does not look at the token of a settlement in line',
    file: SETTLE,
    from: 'seq = u.seq AND token = u.token AND',
    to: 'seq = u.seq AND',
    clause: 'model',
  },
  {
    name: 'does not look at the token of what it prolongs',
    file: CLAIM,
    from: 'seq = u.seq AND token = u.token AND',
    to: 'seq = u.seq AND',
    clause: 'extend/fence',
  },
  {
    name: 'takes block for continue',
    file: SETTLE,
    from: "WHERE key = delivery.lane) = 'continue'",
    to: 'WHERE key = delivery.lane) IS NOT NULL',
    clause: 'order/block',
  },
  {
    name: 'sets no other free when one of a line ends',
    file: SETTLE,
    from: "IF lanes <> '{}' AND",
    to: 'IF false AND',
    clause: 'order/sequence',
  },
  {
    name: 'lets the first of a line through while another runs',
    file: SHARED,
    from: 'turn.lane = line.lane AND turn.at_ms IS NOT NULL OFFSET 0)',
    to: 'turn.lane IS NULL AND turn.at_ms IS NULL OFFSET 0)',
    clause: 'order/continue',
  },
  {
    name: 'runs the effects of a lost lease',
    file: 'stores/postgres/settle.ts',
    from: "if (results[0]?.result === 'settled') for",
    to: 'for',
    clause: 'settle/fence',
  },
  {
    name: 'keeps what a failed settlement did',
    file: 'stores/postgres/settle.ts',
    from: "await tx.rows('ROLLBACK TO SAVEPOINT settlement')",
    to: '',
    clause: 'settle/effects-undone',
  },
  {
    name: 'leases to a copy what has succeeded',
    file: CLAIM,
    from: "state = 'succeeded' OR state = 'leased' AND",
    to: "state = 'leased' AND",
    clause: 'put/lease-copy',
  },
  {
    name: 'redrives what was overtaken',
    file: 'stores/postgres/operate.ts',
    from: 'row.isOvertaken && force !== true',
    to: 'row.isOvertaken && force === false',
    clause: 'order/operated',
  },
  {
    name: 'lists the newest first where the oldest were asked for',
    file: 'stores/postgres/reads.ts',
    from: "query.after === undefined ? 'DESC' : 'ASC'",
    to: "'DESC'",
    clause: 'list/oldest-first',
  },
  {
    name: 'prunes what is not done',
    file: 'stores/postgres/prune.ts',
    from: `WHERE delivery.seq BETWEEN event.seq * \${SLOTS} AND event.seq * \${SLOTS} + \${SLOTS - 1} OFFSET 0)
    AND`,
    to: 'WHERE false)\n    AND',
    clause: 'prune/keeps',
  },
  {
    name: 'prunes what has a replay to come',
    file: 'stores/postgres/prune.ts',
    from: 'WHERE further_delivery.event_seq = event.seq OFFSET 0)`',
    to: 'WHERE false)`',
    clause: 'prune/keeps',
  },
  {
    name: 'forgets a line that something stands in',
    file: 'stores/postgres/prune.ts',
    from: `AND NOT EXISTS (SELECT 1 FROM \${schema}.delivery WHERE open_lane = key OFFSET 0)`,
    to: '',
    clause: 'model',
  },
  {
    name: 'takes dedupe keys in no order',
    file: PUT,
    from: `SELECT DISTINCT ON (key) key, digest, seq, now_ms + coalesce(window_ms, windows[1])
    FROM (SELECT * FROM unnest(id_keys, digests, seqs, windows) WHERE id_keys IS NOT NULL
          UNION ALL SELECT * FROM unnest(body_keys, digests, seqs, windows) WHERE body_keys IS NOT NULL)
      AS u (key, digest, seq, window_ms)
    WHERE key IS NOT NULL ORDER BY key, seq`,
    to: `SELECT * FROM (SELECT DISTINCT ON (key) key, digest, seq, now_ms + coalesce(window_ms, windows[1])
    FROM (SELECT * FROM unnest(id_keys, digests, seqs, windows) WHERE id_keys IS NOT NULL
          UNION ALL SELECT * FROM unnest(body_keys, digests, seqs, windows) WHERE body_keys IS NOT NULL)
      AS u (key, digest, seq, window_ms)
    WHERE key IS NOT NULL ORDER BY key, seq) AS sorted ORDER BY random()`,
    clause: 'keys in order',
  },
  {
    name: 'takes the lines of a batch in no order',
    file: PUT,
    from: `SELECT DISTINCT ON (lane) lane, on_deads[number] FROM unnest(lanes, delivery_numbers) AS u (lane, number)
      WHERE lane IS NOT NULL ORDER BY lane`,
    to: `SELECT * FROM (SELECT DISTINCT ON (lane) lane, on_deads[number] FROM unnest(lanes, delivery_numbers) AS u (lane, number)
      WHERE lane IS NOT NULL ORDER BY lane) AS sorted ORDER BY random()`,
    clause: 'lines in order',
  },
  {
    name: 'takes the lines of settlements in no order',
    file: SHARED,
    from: 'ORDER BY key FOR UPDATE',
    to: 'ORDER BY random() FOR UPDATE',
    clause: 'lines in order',
  },
  {
    name: 'joins a line without holding it (DO NOTHING)',
    file: PUT,
    from: 'DO UPDATE SET puts = lane.puts + 1',
    to: 'DO NOTHING',
    clause: 'a put while its line moves',
  },
  {
    name: 'tells nobody of work',
    file: 'stores/postgres/postgres.ts',
    from: 'if (bringsWork) this.#wakeUps.announce()\n    this.#operations',
    to: 'this.#operations',
    clause: 'work of the other node',
  },
]
