import { SLOTS } from './tables.ts'

/**
 * Function settings. The plans are those that an index was made for, whatever the statistics of a table that is empty at one
 * moment and holds a million rows at the next; and they are made once for each connection.
 *
 * Settings cannot say which of two tables is read for each row of the other. A `delivery` that was vacuumed while it was empty is
 * taken for one row until the next vacuum, however many it holds: joined with an array it was then read whole, and the array again
 * for each of its rows (3 million comparisons, 400 ms, to claim 405 of 7,580). So no function joins a table with an array freely.
 * Rows are found by `key = ANY (array)`, with what else the arrays say of a row read at its place (`placeIn`); or by a LATERAL
 * subquery with OFFSET 0, which PostgreSQL neither merges nor turns around.
 */
export const PLANNED_ONCE = `SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off
  SET enable_mergejoin = off SET jit = off SET plan_cache_mode = force_generic_plan`

/** The place of a value in an array that ascends and holds it: a binary search, where `array_position` looks at each. */
export function placeIn(sorted: string, value: string): string {
  return `width_bucket(${value}, ${sorted})`
}

/** What the verbs' functions are made of. */
export function sharedFunctions(s: string): string {
  return `
  -- The start of a verb: its time. A role or database may have defaults that break a promise: another isolation level the
  -- claims, "off" what is acknowledged. What is set here ends with the transaction, and so needs no session.
  CREATE FUNCTION ${s}.begin_1(lock_ms integer, offset_ms bigint) RETURNS bigint LANGUAGE plpgsql AS $$
  DECLARE
    -- An assignment is evaluated; PERFORM would be a query, at three times the cost.
    was text;
  BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
      RAISE 'postern needs the isolation level read committed' USING ERRCODE = 'invalid_transaction_state';
    END IF;
    was := set_config('lock_timeout', lock_ms || 'ms', true);
    IF current_setting('synchronous_commit') = 'off' THEN was := set_config('synchronous_commit', 'on', true); END IF;
    RETURN ${s}.now_1(offset_ms);
  END $$;

  -- Of the statement, not the transaction: one that the user has opened may be old.
  CREATE FUNCTION ${s}.now_1(offset_ms bigint) RETURNS bigint LANGUAGE sql STABLE
    RETURN floor(extract(epoch FROM statement_timestamp()) * 1000)::bigint + offset_ms;

  -- Locks deliveries that stand in no line, then lanes, then what stands in line, each by its key: everyone in this order, so
  -- that no two wait for each other. Answers the lanes.
  CREATE FUNCTION ${s}.lock_1(seqs bigint[]) RETURNS uuid[] LANGUAGE plpgsql ${PLANNED_ONCE} AS $$
  DECLARE
    lanes uuid[];
  BEGIN
    PERFORM 1 FROM ${s}.delivery WHERE seq = ANY (seqs) AND lane IS NULL ORDER BY seq FOR UPDATE;
    lanes := ARRAY(SELECT DISTINCT lane FROM ${s}.delivery WHERE seq = ANY (seqs) AND lane IS NOT NULL);
    IF lanes = '{}' THEN RETURN lanes; END IF;
    PERFORM 1 FROM ${s}.lane WHERE key = ANY (lanes) ORDER BY key FOR UPDATE;
    PERFORM 1 FROM ${s}.delivery WHERE seq = ANY (seqs) AND lane IS NOT NULL ORDER BY seq FOR UPDATE;
    RETURN lanes;
  END $$;

  -- Says of locked lanes anew which delivery comes next. One that runs stays. Whether another can be claimed now.
  CREATE FUNCTION ${s}.advance_1(lanes uuid[]) RETURNS boolean LANGUAGE plpgsql ${PLANNED_ONCE} AS $$
  DECLARE
    heads bigint[];
  BEGIN
    -- Waits for a claim that has it; what was claimed meanwhile is pending no more, and stays. Asked for what is pending, a server that
    -- takes the table for a row would read all of it by the index of that.
    UPDATE ${s}.delivery AS turn SET at_ms = NULL
    WHERE lane = ANY (lanes) AND at_ms IS NOT NULL AND state NOT IN ('leased', 'dead')
      AND EXISTS (SELECT 1 FROM ${s}.delivery AS earlier WHERE earlier.open_lane = turn.lane AND earlier.seq < turn.seq OFFSET 0);
    -- A statement of its own, for a snapshot that sees what the first has waited for.
    heads := ARRAY(
      SELECT head.seq FROM unnest(lanes) AS line (lane), LATERAL (
        SELECT seq FROM ${s}.delivery WHERE open_lane = line.lane ORDER BY seq LIMIT 1
      ) AS head
      WHERE NOT EXISTS (SELECT 1 FROM ${s}.delivery AS turn WHERE turn.lane = line.lane AND turn.at_ms IS NOT NULL OFFSET 0));
    UPDATE ${s}.delivery SET at_ms = due_ms WHERE seq = ANY (heads) AND state = 'pending' AND at_ms IS NULL;
    RETURN FOUND;
  END $$;

  -- Every delivery of these events, as JSON: event, number, destination, state.
  CREATE FUNCTION ${s}.statuses_1(event_seqs bigint[]) RETURNS json LANGUAGE sql STABLE ${PLANNED_ONCE} AS $$
    SELECT json_agg(json_build_array(event_seq, delivery.seq, destination, state) ORDER BY delivery.seq)
    FROM (SELECT DISTINCT unnest(event_seqs) AS event_seq) AS event, LATERAL (
      SELECT seq, destination, state FROM ${s}.every_delivery
      WHERE seq BETWEEN event.event_seq * ${SLOTS} AND event.event_seq * ${SLOTS} + ${SLOTS - 1}
      UNION ALL
      SELECT seq, destination, state FROM ${s}.further_delivery,
             LATERAL (SELECT seq, destination, state FROM ${s}.every_delivery WHERE seq = delivery_seq OFFSET 0) AS made_later
      WHERE further_delivery.event_seq = event.event_seq
    ) AS delivery
  $$;

  -- Leased deliveries with their events, in the order given.
  CREATE FUNCTION ${s}.hand_out_1(seqs bigint[], OUT claimed text, OUT bodies bytea) LANGUAGE sql STABLE ${PLANNED_ONCE} AS $$
    ${handOut(
      s,
      `unnest(seqs) WITH ORDINALITY AS u (wanted, place), LATERAL (SELECT * FROM ${s}.delivery WHERE seq = wanted OFFSET 0) AS delivery`,
    )}
  $$;
  `
}

/**
 * Selects leased deliveries with their events, by their place. Fields are apart by U+0001 U+0004 and rows by U+0001 U+0005, which
 * no stored text holds; a field that is null is U+0001 U+0006. Of json_build_array each row cost three times as much. Bodies come
 * as one value: as a column of its own each would cost the client as much as all its other fields together.
 */
export function handOut(s: string, deliveries: string): string {
  const fields = [
    'seq::text',
    'token::text',
    'attempt::text',
    'event_seq::text',
    'received_ms::text',
    `coalesce(created_ms::text, ${NULL_FIELD})`,
    `coalesce(conflicts_with::text, ${NULL_FIELD})`,
    'octet_length(body)::text',
    'destination',
    'tenant',
    'source',
    'id',
    'type',
    `coalesce(ordering_key, ${NULL_FIELD})`,
    'verified_by',
    'headers',
  ]
  return `SELECT string_agg(${fields.join(` || ${FIELD_END} || `)}, ${ROW_END}), string_agg(body, ''::bytea)
    FROM (
      SELECT delivery.seq, token, attempt, event_seq, destination, tenant, source, id, type, created_ms, received_ms, ordering_key,
             verified_by, conflicts_with, headers, body
      FROM ${deliveries}, LATERAL (SELECT * FROM ${s}.event WHERE seq = event_seq OFFSET 0) AS event ORDER BY place
    ) AS leased`
}

const FIELD_END = String.raw`E'\x01\x04'`
const ROW_END = String.raw`E'\x01\x05'`
const NULL_FIELD = String.raw`E'\x01\x06'`
