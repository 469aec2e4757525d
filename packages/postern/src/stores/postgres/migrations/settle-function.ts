import { PLANNED_ONCE } from './shared-functions.ts'

/**
 * Ends leases, each fenced by its token; no delivery comes twice in one call. Runs in the store's transaction or in one that
 * the user has opened: it sets nothing there, and needs no isolation level. In a transaction with an older snapshot the
 * locks of rows that have changed since fail with 40001, as any statement of that user's would.
 */
export function settleFunction(s: string): string {
  return `
  CREATE FUNCTION ${s}.settle_1(
    seqs bigint[], tokens bigint[], kinds text[], waits bigint[], errors text[], durations bigint[], offset_ms bigint,
    -- The places in the arrays of what was settled, and whether there is something to claim that was not before.
    OUT places text, OUT brings_work boolean
  ) LANGUAGE plpgsql ${PLANNED_ONCE} AS $$
  DECLARE
    now_ms    bigint := ${s}.now_1(offset_ms);
    done      integer[];
    lanes     uuid[];
    held      integer[];
    succeeded integer[];
    failed    integer[];
  BEGIN
    -- What most are: a success that stands in no line. Joined in the order of the numbers, so that no two settlements wait for
    -- each other, and without a lock beforehand, which costs as much as the rest.
    WITH gone AS (
      DELETE FROM ${s}.delivery
      USING (SELECT * FROM unnest(seqs, tokens, durations, kinds) WITH ORDINALITY AS u (held_seq, held_token, duration_ms, kind, place)
             WHERE kind = 'succeeded' ORDER BY held_seq) AS said
      WHERE seq = held_seq AND token = held_token AND state = 'leased' AND lane IS NULL
      RETURNING delivery.*, duration_ms, place
    ), kept AS (
      INSERT INTO ${s}.finished (seq, event_seq, due_ms, ended_ms, duration_ms, token, attempt, destination, state, error)
      SELECT seq, event_seq, due_ms, now_ms, duration_ms, token, attempt, destination, 'succeeded', error FROM gone
    )
    SELECT array_agg(place) FROM gone INTO done;
    brings_work := false;
    IF cardinality(done) = cardinality(seqs) THEN
      places := array_to_json(done);
      RETURN;
    END IF;

    PERFORM 1 FROM ${s}.delivery WHERE seq = ANY (seqs) AND lane IS NULL ORDER BY seq FOR UPDATE;
    lanes := ARRAY(SELECT DISTINCT lane FROM ${s}.delivery WHERE seq = ANY (seqs) AND lane IS NOT NULL);
    IF lanes <> '{}' THEN
      PERFORM 1 FROM ${s}.lane WHERE key = ANY (lanes) ORDER BY key FOR UPDATE;
    END IF;
    SELECT array_agg(place), array_agg(place) FILTER (WHERE kind = 'succeeded'), array_agg(place) FILTER (WHERE kind <> 'succeeded')
    FROM (
      SELECT place, kind FROM unnest(seqs, tokens, kinds) WITH ORDINALITY AS u (seq, token, kind, place)
      JOIN ${s}.delivery ON delivery.seq = u.seq AND delivery.token = u.token AND state = 'leased'
      ORDER BY delivery.seq FOR UPDATE OF delivery) AS locked INTO held, succeeded, failed;
    places := array_to_json(done || coalesce(held, '{}'));
    IF held IS NULL THEN RETURN; END IF;

    IF lanes <> '{}' THEN
      UPDATE ${s}.lane SET last_settled_seq = greatest(last_settled_seq, settled.seq)
      FROM (SELECT lane, max(delivery.seq) AS seq FROM unnest(held) AS place JOIN ${s}.delivery ON delivery.seq = seqs[place]
            WHERE lane IS NOT NULL GROUP BY lane) AS settled
      WHERE key = settled.lane;
    END IF;

    IF succeeded IS NOT NULL THEN
      WITH gone AS (
        DELETE FROM ${s}.delivery USING unnest(succeeded) AS place WHERE delivery.seq = seqs[place]
        RETURNING delivery.*, durations[place] AS duration_ms
      )
      INSERT INTO ${s}.finished (seq, event_seq, due_ms, ended_ms, duration_ms, token, lane, attempt, destination, state, error)
      SELECT seq, event_seq, due_ms, now_ms, duration_ms, token, lane, attempt, destination, 'succeeded', error FROM gone;
    END IF;

    IF failed IS NOT NULL THEN
      WITH said AS (
        SELECT seqs[place] AS seq, kinds[place] AS kind, waits[place] AS wait_ms, errors[place] AS error, durations[place] AS duration_ms
        FROM unnest(failed) AS place
      ), ended AS (
        UPDATE ${s}.delivery SET
          state = CASE WHEN kind = 'dead' THEN 'dead' ELSE 'pending' END,
          due_ms = CASE WHEN kind = 'dead' THEN due_ms ELSE now_ms + wait_ms END,
          at_ms = CASE WHEN kind <> 'dead' AND lane IS NULL THEN now_ms + wait_ms END,
          open_lane = CASE WHEN kind = 'dead' AND (SELECT on_dead FROM ${s}.lane WHERE key = delivery.lane) = 'continue' THEN NULL ELSE lane END,
          attempt = attempt - (kind = 'released')::integer,
          error = coalesce(said.error, delivery.error)
        FROM said WHERE delivery.seq = said.seq
        RETURNING delivery.seq, token, attempt, kind, said.error, duration_ms
      )
      INSERT INTO ${s}.attempt (delivery_seq, token, ended_ms, duration_ms, number, outcome, error)
      SELECT seq, token, now_ms, duration_ms, attempt, kind, error FROM ended WHERE kind <> 'released';
      brings_work := EXISTS (SELECT 1 FROM unnest(failed) AS place WHERE kinds[place] <> 'dead');
    END IF;

    IF lanes <> '{}' AND ${s}.advance_1(lanes) THEN brings_work := true; END IF;
  END $$;

  -- In a transaction of the store's own, which waits for nobody's for long.
  CREATE FUNCTION ${s}.settle_own_1(
    lock_ms integer, seqs bigint[], tokens bigint[], kinds text[], waits bigint[], errors text[], durations bigint[], offset_ms bigint,
    OUT places text, OUT brings_work boolean
  ) LANGUAGE plpgsql AS $$
  BEGIN
    PERFORM ${s}.begin_1(lock_ms, offset_ms);
    SELECT * FROM ${s}.settle_1(seqs, tokens, kinds, waits, errors, durations, offset_ms) INTO places, brings_work;
  END $$;
  `
}
