import { handOut, placeIn, PLANNED_ONCE } from './shared-functions.ts'
import { SLOTS } from './tables.ts'

/**
 * Bytes of bodies that one claim hands out, and the body that passes them. They may cross over as text of twice that length, and
 * neither the server nor Node takes one of 512 MB.
 */
const MOST_BYTES = 16 * 1024 * 1024

/** Leases: by a claim, by a copy that was put, and how they are prolonged. */
export function claimFunctions(s: string): string {
  return `
  -- Leases what is due: for each destination those whose lease ended first, then by due time. What another holds is passed by, so
  -- a claim waits for nobody. It locks no lane: whoever moves a delivery of a line waits for the claim of the one in turn.
  CREATE FUNCTION ${s}.claim_1(
    names text[], limits integer[], lease_ms bigint, lock_ms integer, offset_ms bigint,
    -- The bodies are in one of the two: as text where they are, which takes half the bytes of what bytea is written as.
    OUT claimed text, OUT bodies bytea, OUT texts text, OUT until_due_ms bigint
  ) LANGUAGE plpgsql ${PLANNED_ONCE} AS $$
  DECLARE
    now_ms bigint := ${s}.begin_1(lock_ms, offset_ms);
    due    bigint[] := '{}';
    sizes  integer[] := '{}';
    bytes  bigint := 0;
    lost   record;
    rest   record;
    taking record;
  BEGIN
    FOR n IN 1 .. cardinality(names) LOOP
      SELECT array_agg(seq) AS seqs, array_agg(body_bytes) AS sizes, sum(body_bytes) AS bytes FROM (
        SELECT seq, body_bytes FROM ${s}.delivery WHERE destination = names[n] AND state = 'leased' AND at_ms <= now_ms
        ORDER BY at_ms, seq LIMIT limits[n] FOR UPDATE SKIP LOCKED) AS lost_here INTO lost;
      SELECT array_agg(seq) AS seqs, array_agg(body_bytes) AS sizes, sum(body_bytes) AS bytes FROM (
        SELECT seq, body_bytes FROM ${s}.delivery WHERE destination = names[n] AND state = 'pending' AND at_ms <= now_ms
        ORDER BY at_ms, seq LIMIT limits[n] - coalesce(cardinality(lost.seqs), 0) FOR UPDATE SKIP LOCKED) AS due_here INTO rest;
      due := due || lost.seqs || rest.seqs;
      sizes := sizes || lost.sizes || rest.sizes;
      bytes := bytes + coalesce(lost.bytes, 0) + coalesce(rest.bytes, 0);
    END LOOP;
    IF due = '{}' THEN
      SELECT min(at_ms) - now_ms FROM unnest(names) AS name, LATERAL (
        (SELECT at_ms FROM ${s}.delivery WHERE destination = name AND state = 'pending' AND at_ms IS NOT NULL ORDER BY at_ms LIMIT 1)
        UNION ALL
        (SELECT at_ms FROM ${s}.delivery WHERE destination = name AND state = 'leased' AND at_ms IS NOT NULL ORDER BY at_ms LIMIT 1)
      ) AS next INTO until_due_ms;
      RETURN;
    END IF;
    -- Not more than one answer can carry; the others are free again at the commit.
    IF bytes > ${MOST_BYTES} THEN
      due := ARRAY(
        SELECT seq FROM (
          SELECT seq, place, sum(size) OVER (ORDER BY place) - size AS bytes_before
          FROM unnest(due, sizes) WITH ORDINALITY AS u (seq, size, place)) AS sized
        WHERE bytes_before < ${MOST_BYTES} ORDER BY place);
    END IF;
    SELECT array_agg(seq ORDER BY seq) AS seqs, array_agg(place ORDER BY seq) AS places
    FROM unnest(due) WITH ORDINALITY AS u (seq, place) INTO taking;
    WITH taken AS (
      UPDATE ${s}.delivery SET state = 'leased', token = token + 1, attempt = attempt + 1, at_ms = now_ms + lease_ms
      WHERE seq = ANY (taking.seqs)
      RETURNING taking.places[${placeIn('taking.seqs', 'seq')}] AS place, seq, token, attempt, event_seq, destination
    )
    ${handOut(s, 'taken AS delivery')} INTO claimed, bodies;
    -- Another encoding might not give the same bytes back.
    IF getdatabaseencoding() <> 'UTF8' THEN RETURN; END IF;
    BEGIN
      texts := convert_from(bodies, 'UTF8');
      bodies := NULL;
    EXCEPTION WHEN character_not_in_repertoire OR untranslatable_character THEN
    END;
  END $$;

  -- Leases the newest delivery of a known event at one destination, if it is its turn and nothing of the event is done or under
  -- way there; and says how the event's deliveries stood before.
  CREATE FUNCTION ${s}.take_1(
    of bigint, at_destination text, lease_ms bigint, lock_ms integer, offset_ms bigint,
    OUT statuses text, OUT claimed text, OUT bodies bytea
  ) LANGUAGE plpgsql ${PLANNED_ONCE} AS $$
  DECLARE
    now_ms bigint := ${s}.begin_1(lock_ms, offset_ms);
    there  bigint[];
    newest record;
    line   record;
  BEGIN
    there := ARRAY(
      SELECT seq FROM ${s}.delivery WHERE seq BETWEEN of * ${SLOTS} AND of * ${SLOTS} + ${SLOTS - 1} AND destination = at_destination
      UNION ALL
      SELECT seq FROM ${s}.further_delivery,
             LATERAL (SELECT seq, destination FROM ${s}.delivery WHERE seq = delivery_seq OFFSET 0) AS delivery
      WHERE further_delivery.event_seq = of AND destination = at_destination);
    PERFORM ${s}.lock_1(there);
    statuses := ${s}.statuses_1(ARRAY[of]);
    SELECT max(delivery.seq) AS seq,
           bool_or(state = 'succeeded' OR state = 'leased' AND lease_until_ms > now_ms) AS is_done_or_running
    FROM json_array_elements(statuses::json) AS status, LATERAL (
      SELECT seq, state, lease_until_ms FROM ${s}.every_delivery
      WHERE seq = (status ->> 1)::bigint AND destination = at_destination OFFSET 0) AS delivery
    INTO newest;
    IF newest.seq IS NULL OR newest.is_done_or_running THEN RETURN; END IF;
    SELECT * FROM ${s}.delivery WHERE seq = newest.seq INTO newest;
    -- Finished: it was cancelled.
    IF newest.seq IS NULL THEN RETURN; END IF;
    IF newest.lane IS NOT NULL AND newest.state <> 'leased' THEN
      -- Neither behind another, nor after one that has run since.
      IF EXISTS (SELECT 1 FROM ${s}.delivery WHERE open_lane = newest.lane AND seq < newest.seq) THEN RETURN; END IF;
      SELECT last_settled_seq FROM ${s}.lane WHERE key = newest.lane INTO line;
      IF newest.state = 'dead' AND line.last_settled_seq > newest.seq THEN RETURN; END IF;
      UPDATE ${s}.delivery SET at_ms = NULL WHERE lane = newest.lane AND at_ms IS NOT NULL AND state NOT IN ('leased', 'dead') AND seq <> newest.seq;
      IF EXISTS (SELECT 1 FROM ${s}.delivery WHERE lane = newest.lane AND at_ms IS NOT NULL AND seq <> newest.seq) THEN RETURN; END IF;
    END IF;
    UPDATE ${s}.delivery
    SET state = 'leased', token = token + 1, attempt = CASE WHEN state = 'dead' THEN 1 ELSE attempt + 1 END, at_ms = now_ms + lease_ms,
        open_lane = lane
    WHERE seq = newest.seq;
    SELECT * FROM ${s}.hand_out_1(ARRAY[newest.seq]) INTO claimed, bodies;
  END $$;

  -- Prolongs leases that are still their holders'; answers the places of those in the arrays.
  CREATE FUNCTION ${s}.extend_1(seqs bigint[], tokens bigint[], lease_ms bigint, lock_ms integer, offset_ms bigint)
  RETURNS text LANGUAGE plpgsql ${PLANNED_ONCE} AS $$
  DECLARE
    now_ms bigint := ${s}.begin_1(lock_ms, offset_ms);
    held   bigint[];
    places integer[];
  BEGIN
    PERFORM 1 FROM ${s}.delivery WHERE seq = ANY (seqs) AND state = 'leased' ORDER BY lane IS NOT NULL, seq FOR UPDATE;
    SELECT array_agg(delivery.seq), array_agg(place) FROM unnest(seqs, tokens) WITH ORDINALITY AS u (seq, token, place), LATERAL (
      SELECT seq FROM ${s}.delivery WHERE seq = u.seq AND token = u.token AND state = 'leased' OFFSET 0) AS delivery INTO held, places;
    UPDATE ${s}.delivery SET at_ms = now_ms + lease_ms WHERE seq = ANY (held);
    RETURN array_to_json(coalesce(places, '{}'));
  END $$;
  `
}
