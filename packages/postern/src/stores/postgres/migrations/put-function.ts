import { PLANNED_ONCE } from './shared-functions.ts'
import { SLOTS } from './tables.ts'

/** What the function raises where it needs the conflict keys, which few batches do. */
export const NEEDS_CONFLICT_KEYS = 'PST01'

/**
 * Records a batch of events, all of them or none. Locks in the order that every verb keeps: lanes by key, dedupe keys by key.
 * Each of its statements sees what was committed up to its own start, so what a lock has waited for is seen after it.
 *
 * Reading an array and taking it apart costs some 10 µs for 32 events, so an array is null where all of it would be, and holds one
 * value where all are the same and none is null: `unnest` gives null beyond an array's end, and then the first is taken.
 */
export function putFunction(s: string): string {
  // Of a batch that is new throughout, which most are, nothing was judged.
  const isDelivered = `(outcomes IS NULL OR outcomes[number] = 'stored' OR outcomes[number] = 'conflict' AND dispatched[number])`
  const freeDeliveries = `
      INSERT INTO ${s}.delivery (seq, event_seq, made_ms, due_ms, at_ms, token, attempt, body_bytes, state, destination)
      SELECT CASE WHEN slot >= ${SLOTS} THEN nextval('${s}.number') * ${SLOTS} ELSE seqs[number] * ${SLOTS} + coalesce(slot, 0) END,
             seqs[number], now_ms, now_ms, now_ms + coalesce(lease_ms, 0), (lease_ms IS NOT NULL)::integer, (lease_ms IS NOT NULL)::integer,
             lengths[number], CASE WHEN lease_ms IS NULL THEN 'pending' ELSE 'leased' END, coalesce(destination, destinations[1])
      FROM unnest(delivery_numbers, slots, destinations, leases, lanes) AS u (number, slot, destination, lease_ms, lane)
      WHERE lane IS NULL AND ${isDelivered}`
  return `
  CREATE FUNCTION ${s}.put_1(
    lock_ms integer, offset_ms bigint,
    id_keys uuid[], body_keys uuid[], key_count integer, conflict_keys uuid[], digests uuid[], windows bigint[],
    tenants text[], sources text[], ids text[], types text[], created bigint[], ordering_keys text[], verified text[],
    -- Headers one below another: JSON writes a line's end as an escape. Many escapes make an array of them dear.
    on_deads text[], headers text, bodies bytea, starts integer[], lengths integer[], dispatched boolean[],
    -- Of each delivery: the number of its event in the arrays above, its slot, its destination, how long to lease it, its lane.
    delivery_numbers integer[], slots integer[], destinations text[], leases bigint[], lanes uuid[]
  ) RETURNS text LANGUAGE plpgsql ${PLANNED_ONCE} AS $$
  DECLARE
    now_ms     bigint := ${s}.begin_1(lock_ms, offset_ms);
    in_line    boolean := lanes IS NOT NULL;
    seqs       bigint[];
    reserved   integer;
    outcomes   text[];
    others     bigint[];
    copies     bigint[];
    leased     bigint[];
    leased_too bigint[];
  BEGIN
    IF in_line THEN
      INSERT INTO ${s}.lane (key, on_dead)
      SELECT DISTINCT ON (lane) lane, on_deads[number] FROM unnest(lanes, delivery_numbers) AS u (lane, number)
      WHERE lane IS NOT NULL ORDER BY lane
      ON CONFLICT (key) DO UPDATE SET puts = lane.puts + 1;
    END IF;
    -- Numbered under the lanes' locks: in a lane, a later number is a later commit.
    seqs := ARRAY(SELECT nextval('${s}.number') FROM generate_series(1, cardinality(ids)));

    -- A key whose window is over is taken as a free one. Of the others nothing is written, and they are locked all the same.
    INSERT INTO ${s}.dedupe AS old (key, digest, event_seq, expires_ms)
    SELECT DISTINCT ON (key) key, digest, seq, now_ms + coalesce(window_ms, windows[1])
    FROM (SELECT * FROM unnest(id_keys, digests, seqs, windows) WHERE id_keys IS NOT NULL
          UNION ALL SELECT * FROM unnest(body_keys, digests, seqs, windows) WHERE body_keys IS NOT NULL)
      AS u (key, digest, seq, window_ms)
    WHERE key IS NOT NULL ORDER BY key, seq
    ON CONFLICT (key) DO UPDATE SET digest = excluded.digest, event_seq = excluded.event_seq, expires_ms = excluded.expires_ms
    WHERE old.expires_ms <= now_ms;
    GET DIAGNOSTICS reserved = ROW_COUNT;
    IF reserved < key_count THEN
      SELECT * FROM ${s}.judge_1(now_ms, seqs, id_keys, body_keys, conflict_keys, digests, windows) INTO outcomes, others;
    END IF;

    INSERT INTO ${s}.event (seq, received_ms, created_ms, conflicts_with, tenant, source, id, type, ordering_key, verified_by, on_dead,
                         headers, body)
    SELECT seq, now_ms, created_ms, CASE WHEN outcome = 'conflict' THEN other END, coalesce(tenant, tenants[1]), coalesce(source, sources[1]), id,
           coalesce(type, types[1]), ordering_key, coalesce(verified_by, verified[1]), on_dead, header, substring(bodies FROM start FOR length)
    FROM unnest(seqs, outcomes, others, created, tenants, sources, ids, types, ordering_keys, verified, on_deads,
                string_to_array(headers, E'\\n'), starts, lengths)
      AS u (seq, outcome, other, created_ms, tenant, source, id, type, ordering_key, verified_by, on_dead, header, start, length)
    WHERE outcome IS DISTINCT FROM 'duplicate';

    IF leases IS NULL AND slots IS NULL THEN
      ${freeDeliveries};
    ELSE
      WITH made AS (${freeDeliveries}
        RETURNING seq, event_seq, state
      ), further AS (
        INSERT INTO ${s}.further_delivery SELECT event_seq, seq FROM made WHERE seq / ${SLOTS} <> event_seq
      )
      SELECT array_agg(ARRAY[event_seq, seq]) FROM made WHERE state = 'leased' INTO leased;
    END IF;

    IF in_line THEN
      UPDATE ${s}.lane SET on_dead = newest.on_dead
      FROM (SELECT DISTINCT ON (lane) lane, on_deads[number] AS on_dead
            FROM unnest(lanes, delivery_numbers) AS u (lane, number)
            WHERE lane IS NOT NULL AND ${isDelivered} ORDER BY lane, number DESC) AS newest
      WHERE lane.key = newest.lane AND lane.on_dead <> newest.on_dead;

      WITH placed AS MATERIALIZED (
        SELECT *, row_number() OVER (PARTITION BY lane ORDER BY place) = 1
                  AND NOT EXISTS (SELECT 1 FROM ${s}.delivery WHERE open_lane = u.lane OFFSET 0) AS is_first
        FROM unnest(delivery_numbers, slots, destinations, leases, lanes) WITH ORDINALITY AS u (number, slot, destination, lease_ms, lane, place)
        WHERE lane IS NOT NULL AND ${isDelivered}
      ), made AS (
        INSERT INTO ${s}.delivery (seq, event_seq, made_ms, due_ms, at_ms, token, lane, open_lane, attempt, body_bytes, state, destination)
        SELECT CASE WHEN slot >= ${SLOTS} THEN nextval('${s}.number') * ${SLOTS} ELSE seqs[number] * ${SLOTS} + coalesce(slot, 0) END,
               seqs[number], now_ms, now_ms, CASE WHEN is_first THEN now_ms + coalesce(lease_ms, 0) END,
               (is_first AND lease_ms IS NOT NULL)::integer, lane, lane, (is_first AND lease_ms IS NOT NULL)::integer,
               lengths[number], CASE WHEN is_first AND lease_ms IS NOT NULL THEN 'leased' ELSE 'pending' END, coalesce(destination, destinations[1])
        FROM placed ORDER BY place
        RETURNING seq, event_seq, state
      ), further AS (
        INSERT INTO ${s}.further_delivery SELECT event_seq, seq FROM made WHERE seq / ${SLOTS} <> event_seq
      )
      SELECT array_agg(ARRAY[event_seq, seq]) FROM made WHERE state = 'leased' INTO leased_too;
    END IF;

    IF reserved = key_count THEN
      RETURN json_build_object('now', now_ms, 'seqs', seqs, 'leased', leased || leased_too);
    END IF;
    copies := ARRAY(SELECT other FROM unnest(outcomes, others) AS u (outcome, other) WHERE outcome = 'duplicate');
    -- Of events that are still there: nobody would take away the count of one that was pruned.
    WITH kept AS (SELECT seq FROM ${s}.event WHERE seq = ANY (copies) ORDER BY seq FOR KEY SHARE)
    INSERT INTO ${s}.duplicate (event_seq, copies)
    SELECT seq, count(*) FROM kept JOIN unnest(copies) AS copy (seq) USING (seq) GROUP BY seq ORDER BY seq
    ON CONFLICT (event_seq) DO UPDATE SET copies = duplicate.copies + excluded.copies;
    RETURN json_build_object('now', now_ms, 'seqs', seqs, 'leased', leased || leased_too, 'outcomes', outcomes, 'others', others,
                             'statuses', ${s}.statuses_1(copies));
  END $$;

  -- Tells, one after another, which events of a batch are new, copies or conflicts, and makes the dedupe records say so. A copy
  -- under any key comes before a conflict under another: nothing of it is new. The batch holds all its keys but those of
  -- conflicts, and whoever takes such a one holds the key of its id.
  CREATE FUNCTION ${s}.judge_1(
    now_ms bigint, seqs bigint[], id_keys uuid[], body_keys uuid[], conflict_keys uuid[], digests uuid[], windows bigint[],
    OUT outcomes text[], OUT others bigint[]
  ) LANGUAGE plpgsql ${PLANNED_ONCE} AS $$
  DECLARE
    n        integer;
    by_id    record;
    by_body  record;
    again    record;
    outcome  text;
    other    bigint;
  BEGIN
    outcomes := array_fill('stored'::text, ARRAY[cardinality(seqs)]);
    others := array_fill(NULL::bigint, ARRAY[cardinality(seqs)]);
    FOR n IN
      SELECT place FROM unnest(seqs, id_keys, body_keys) WITH ORDINALITY AS u (seq, id_key, body_key, place)
      WHERE EXISTS (SELECT 1 FROM ${s}.dedupe WHERE key = id_key AND event_seq <> seq)
         OR EXISTS (SELECT 1 FROM ${s}.dedupe WHERE key = body_key AND event_seq <> seq)
      ORDER BY place
    LOOP
      SELECT event_seq, digest FROM ${s}.dedupe WHERE key = id_keys[n] AND event_seq <> seqs[n] AND expires_ms > now_ms INTO by_id;
      SELECT event_seq FROM ${s}.dedupe WHERE key = body_keys[n] AND event_seq <> seqs[n] AND expires_ms > now_ms INTO by_body;
      outcome := 'stored';
      other := NULL;
      IF by_id.event_seq IS NOT NULL AND by_id.digest = digests[n] THEN
        outcome := 'duplicate';
        other := by_id.event_seq;
      ELSIF by_body.event_seq IS NOT NULL THEN
        outcome := 'duplicate';
        other := by_body.event_seq;
      ELSIF by_id.event_seq IS NOT NULL THEN
        IF conflict_keys IS NULL THEN RAISE 'the conflict keys are needed' USING ERRCODE = '${NEEDS_CONFLICT_KEYS}'; END IF;
        SELECT event_seq FROM ${s}.dedupe WHERE key = conflict_keys[n] AND expires_ms > now_ms INTO again;
        outcome := CASE WHEN again.event_seq IS NULL THEN 'conflict' ELSE 'duplicate' END;
        other := coalesce(again.event_seq, by_id.event_seq);
      END IF;
      IF outcome = 'duplicate' THEN
        DELETE FROM ${s}.dedupe WHERE key IN (id_keys[n], body_keys[n]) AND event_seq = seqs[n];
      ELSE
        INSERT INTO ${s}.dedupe AS old (key, digest, event_seq, expires_ms)
        SELECT key, digests[n], seqs[n], now_ms + coalesce(windows[n], windows[1])
        FROM unnest(ARRAY[id_keys[n], body_keys[n], CASE WHEN outcome = 'conflict' THEN conflict_keys[n] END]) AS key
        WHERE key IS NOT NULL ORDER BY key
        ON CONFLICT (key) DO UPDATE SET digest = excluded.digest, event_seq = excluded.event_seq, expires_ms = excluded.expires_ms
        WHERE old.expires_ms <= now_ms;
      END IF;
      outcomes[n] := outcome;
      others[n] := other;
    END LOOP;
  END $$;
  `
}
