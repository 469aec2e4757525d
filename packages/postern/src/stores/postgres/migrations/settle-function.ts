import { placeIn, PLANNED_ONCE } from './shared-functions.ts'

/**
 * Ends leases, each fenced by its token; no delivery comes twice in one call. Runs in the store's transaction or in one that
 * the user has opened: it sets nothing there, and needs no isolation level. In a transaction with an older snapshot the
 * locks of rows that have changed since fail with 40001, as any statement of that user's would.
 */
export function settleFunction(s: string): string {
  const ofSuccess = (array: string): string => `said.${array}[${placeIn('said.seqs', 'seq')}]`
  const ofFailure = (array: string): string => `held.${array}[${placeIn('held.failed', 'seq')}]`
  return `
  CREATE FUNCTION ${s}.settle_1(
    seqs bigint[], tokens bigint[], kinds text[], waits bigint[], errors text[], durations bigint[], offset_ms bigint,
    -- The places in the arrays of what was settled, and whether there is something to claim that was not before.
    OUT places text, OUT brings_work boolean
  ) LANGUAGE plpgsql ${PLANNED_ONCE} AS $$
  DECLARE
    now_ms bigint := ${s}.now_1(offset_ms);
    done   integer[];
    lanes  uuid[];
    -- Arrays of a record stay as they are; one in a variable of its own would be written flat for each row that is looked up in it.
    said   record;
    held   record;
    newest record;
  BEGIN
    SELECT array_agg(seq ORDER BY seq) AS seqs, array_agg(token ORDER BY seq) AS tokens, array_agg(duration_ms ORDER BY seq) AS durations,
           array_agg(place ORDER BY seq) AS places
    FROM unnest(seqs, tokens, durations, kinds) WITH ORDINALITY AS u (seq, token, duration_ms, kind, place) WHERE kind = 'succeeded'
    INTO said;
    -- What most are: a success that stands in no line. In the order of the numbers, which is the index's, so that no two settlements
    -- wait for each other, and without a lock beforehand, which costs as much as the rest.
    WITH gone AS (
      DELETE FROM ${s}.delivery WHERE seq = ANY (said.seqs) AND token = ${ofSuccess('tokens')} AND state = 'leased' AND lane IS NULL
      RETURNING *
    ), kept AS (
      INSERT INTO ${s}.finished (seq, event_seq, due_ms, ended_ms, duration_ms, token, attempt, destination, state, error)
      SELECT seq, event_seq, due_ms, now_ms, ${ofSuccess('durations')}, token, attempt, destination, 'succeeded', error FROM gone
    )
    SELECT array_agg(${ofSuccess('places')}) FROM gone INTO done;
    brings_work := false;
    IF cardinality(done) = cardinality(seqs) THEN
      places := array_to_json(done);
      RETURN;
    END IF;

    lanes := ${s}.lock_1(seqs);
    SELECT array_agg(place) AS places, array_agg(u.seq) AS seqs,
           array_agg(u.seq ORDER BY u.seq) FILTER (WHERE kind = 'succeeded') AS succeeded,
           array_agg(duration_ms ORDER BY u.seq) FILTER (WHERE kind = 'succeeded') AS succeeded_durations,
           array_agg(u.seq ORDER BY u.seq) FILTER (WHERE kind <> 'succeeded') AS failed,
           array_agg(kind ORDER BY u.seq) FILTER (WHERE kind <> 'succeeded') AS kinds,
           array_agg(wait_ms ORDER BY u.seq) FILTER (WHERE kind <> 'succeeded') AS waits,
           array_agg(error ORDER BY u.seq) FILTER (WHERE kind <> 'succeeded') AS errors,
           array_agg(duration_ms ORDER BY u.seq) FILTER (WHERE kind <> 'succeeded') AS durations
    FROM unnest(seqs, tokens, kinds, waits, errors, durations) WITH ORDINALITY AS u (seq, token, kind, wait_ms, error, duration_ms, place),
         LATERAL (SELECT FROM ${s}.delivery WHERE seq = u.seq AND token = u.token AND state = 'leased' OFFSET 0) AS delivery
    INTO held;
    places := array_to_json(done || coalesce(held.places, '{}'));
    IF held.seqs IS NULL THEN RETURN; END IF;

    IF lanes <> '{}' THEN
      SELECT array_agg(lane ORDER BY lane) AS lanes, array_agg(seq ORDER BY lane) AS seqs
      FROM (SELECT lane, max(seq) AS seq FROM ${s}.delivery WHERE seq = ANY (held.seqs) AND lane IS NOT NULL GROUP BY lane) AS settled
      INTO newest;
      UPDATE ${s}.lane SET last_settled_seq = greatest(last_settled_seq, newest.seqs[${placeIn('newest.lanes', 'key')}])
      WHERE key = ANY (newest.lanes);
    END IF;

    IF held.succeeded IS NOT NULL THEN
      WITH gone AS (DELETE FROM ${s}.delivery WHERE seq = ANY (held.succeeded) RETURNING *)
      INSERT INTO ${s}.finished (seq, event_seq, due_ms, ended_ms, duration_ms, token, lane, attempt, destination, state, error)
      SELECT seq, event_seq, due_ms, now_ms, held.succeeded_durations[${placeIn('held.succeeded', 'seq')}], token, lane, attempt, destination,
             'succeeded', error
      FROM gone;
    END IF;

    IF held.failed IS NOT NULL THEN
      WITH ended AS (
        UPDATE ${s}.delivery SET
          state = CASE WHEN ${ofFailure('kinds')} = 'dead' THEN 'dead' ELSE 'pending' END,
          due_ms = CASE WHEN ${ofFailure('kinds')} = 'dead' THEN due_ms ELSE now_ms + ${ofFailure('waits')} END,
          at_ms = CASE WHEN ${ofFailure('kinds')} <> 'dead' AND lane IS NULL THEN now_ms + ${ofFailure('waits')} END,
          open_lane = CASE WHEN ${ofFailure('kinds')} = 'dead' AND (SELECT on_dead FROM ${s}.lane WHERE key = delivery.lane) = 'continue'
                      THEN NULL ELSE lane END,
          attempt = attempt - (${ofFailure('kinds')} = 'released')::integer,
          error = coalesce(${ofFailure('errors')}, error)
        WHERE seq = ANY (held.failed)
        RETURNING seq, token, attempt, ${ofFailure('kinds')} AS kind, ${ofFailure('errors')} AS said_error, ${ofFailure('durations')} AS duration_ms
      )
      INSERT INTO ${s}.attempt (delivery_seq, token, ended_ms, duration_ms, number, outcome, error)
      SELECT seq, token, now_ms, duration_ms, attempt, kind, said_error FROM ended WHERE kind <> 'released';
      brings_work := EXISTS (SELECT 1 FROM unnest(held.kinds) AS kind WHERE kind <> 'dead');
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
