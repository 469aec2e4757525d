CREATE SCHEMA postern;

CREATE FUNCTION postern.advance_1(lanes uuid[]) RETURNS boolean
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
  DECLARE
    heads bigint[];
  BEGIN
    -- Waits for a claim that has it; what was claimed meanwhile is pending no more, and stays. Asked for what is pending, a server that
    -- takes the table for a row would read all of it by the index of that.
    UPDATE "postern".delivery AS turn SET at_ms = NULL
    WHERE lane = ANY (lanes) AND at_ms IS NOT NULL AND state NOT IN ('leased', 'dead')
      AND EXISTS (SELECT 1 FROM "postern".delivery AS earlier WHERE earlier.open_lane = turn.lane AND earlier.seq < turn.seq OFFSET 0);
    -- A statement of its own, for a snapshot that sees what the first has waited for.
    heads := ARRAY(
      SELECT head.seq FROM unnest(lanes) AS line (lane), LATERAL (
        SELECT seq FROM "postern".delivery WHERE open_lane = line.lane ORDER BY seq LIMIT 1
      ) AS head
      WHERE NOT EXISTS (SELECT 1 FROM "postern".delivery AS turn WHERE turn.lane = line.lane AND turn.at_ms IS NOT NULL OFFSET 0));
    UPDATE "postern".delivery SET at_ms = due_ms WHERE seq = ANY (heads) AND state = 'pending' AND at_ms IS NULL;
    RETURN FOUND;
  END $$;

CREATE FUNCTION postern.begin_1(lock_ms integer, offset_ms bigint) RETURNS bigint
    LANGUAGE plpgsql
    AS $$
  DECLARE
    -- An assignment is evaluated; PERFORM would be a query, at three times the cost.
    was text;
  BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
      RAISE 'postern needs the isolation level read committed' USING ERRCODE = 'invalid_transaction_state';
    END IF;
    was := set_config('lock_timeout', lock_ms || 'ms', true);
    IF current_setting('synchronous_commit') = 'off' THEN was := set_config('synchronous_commit', 'on', true); END IF;
    RETURN "postern".now_1(offset_ms);
  END $$;

CREATE FUNCTION postern.claim_1(names text[], limits integer[], lease_ms bigint, lock_ms integer, offset_ms bigint, OUT claimed text, OUT bodies bytea, OUT texts text, OUT until_due_ms bigint) RETURNS record
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
  DECLARE
    now_ms bigint := "postern".begin_1(lock_ms, offset_ms);
    due    bigint[] := '{}';
    sizes  integer[] := '{}';
    bytes  bigint := 0;
    lost   record;
    rest   record;
    taking record;
  BEGIN
    FOR n IN 1 .. cardinality(names) LOOP
      SELECT array_agg(seq) AS seqs, array_agg(body_bytes) AS sizes, sum(body_bytes) AS bytes FROM (
        SELECT seq, body_bytes FROM "postern".delivery WHERE destination = names[n] AND state = 'leased' AND at_ms <= now_ms
        ORDER BY at_ms, seq LIMIT limits[n] FOR UPDATE SKIP LOCKED) AS lost_here INTO lost;
      SELECT array_agg(seq) AS seqs, array_agg(body_bytes) AS sizes, sum(body_bytes) AS bytes FROM (
        SELECT seq, body_bytes FROM "postern".delivery WHERE destination = names[n] AND state = 'pending' AND at_ms <= now_ms
        ORDER BY at_ms, seq LIMIT limits[n] - coalesce(cardinality(lost.seqs), 0) FOR UPDATE SKIP LOCKED) AS due_here INTO rest;
      due := due || lost.seqs || rest.seqs;
      sizes := sizes || lost.sizes || rest.sizes;
      bytes := bytes + coalesce(lost.bytes, 0) + coalesce(rest.bytes, 0);
    END LOOP;
    IF due = '{}' THEN
      SELECT min(at_ms) - now_ms FROM unnest(names) AS name, LATERAL (
        (SELECT at_ms FROM "postern".delivery WHERE destination = name AND state = 'pending' AND at_ms IS NOT NULL ORDER BY at_ms LIMIT 1)
        UNION ALL
        (SELECT at_ms FROM "postern".delivery WHERE destination = name AND state = 'leased' AND at_ms IS NOT NULL ORDER BY at_ms LIMIT 1)
      ) AS next INTO until_due_ms;
      RETURN;
    END IF;
    -- Not more than one answer can carry; the others are free again at the commit.
    IF bytes > 16777216 THEN
      due := ARRAY(
        SELECT seq FROM (
          SELECT seq, place, sum(size) OVER (ORDER BY place) - size AS bytes_before
          FROM unnest(due, sizes) WITH ORDINALITY AS u (seq, size, place)) AS sized
        WHERE bytes_before < 16777216 ORDER BY place);
    END IF;
    SELECT array_agg(seq ORDER BY seq) AS seqs, array_agg(place ORDER BY seq) AS places
    FROM unnest(due) WITH ORDINALITY AS u (seq, place) INTO taking;
    WITH taken AS (
      UPDATE "postern".delivery SET state = 'leased', token = token + 1, attempt = attempt + 1, at_ms = now_ms + lease_ms
      WHERE seq = ANY (taking.seqs)
      RETURNING taking.places[width_bucket(seq, taking.seqs)] AS place, seq, token, attempt, event_seq, destination
    )
    SELECT string_agg(seq::text || E'\x01\x04' || token::text || E'\x01\x04' || attempt::text || E'\x01\x04' || event_seq::text || E'\x01\x04' || received_ms::text || E'\x01\x04' || coalesce(created_ms::text, E'\x01\x06') || E'\x01\x04' || coalesce(conflicts_with::text, E'\x01\x06') || E'\x01\x04' || octet_length(body)::text || E'\x01\x04' || destination || E'\x01\x04' || tenant || E'\x01\x04' || source || E'\x01\x04' || id || E'\x01\x04' || type || E'\x01\x04' || coalesce(ordering_key, E'\x01\x06') || E'\x01\x04' || verified_by || E'\x01\x04' || headers, E'\x01\x05'), string_agg(body, ''::bytea)
    FROM (
      SELECT delivery.seq, token, attempt, event_seq, destination, tenant, source, id, type, created_ms, received_ms, ordering_key,
             verified_by, conflicts_with, headers, body
      FROM taken AS delivery, LATERAL (SELECT * FROM "postern".event WHERE seq = event_seq OFFSET 0) AS event ORDER BY place
    ) AS leased INTO claimed, bodies;
    -- Another encoding might not give the same bytes back.
    IF getdatabaseencoding() <> 'UTF8' THEN RETURN; END IF;
    BEGIN
      texts := convert_from(bodies, 'UTF8');
      bodies := NULL;
    EXCEPTION WHEN character_not_in_repertoire OR untranslatable_character THEN
    END;
  END $$;

CREATE FUNCTION postern.drop_partition_1(before_ms bigint, wait_ms bigint, OUT events bigint, OUT rows_below bigint) RETURNS record
    LANGUAGE plpgsql
    AS $_$
  DECLARE
    oldest  bigint := (SELECT min(number) FROM "postern".partition);
    first   bigint := oldest * 1048576;
    past    bigint := (oldest + 1) * 1048576;
    times   record;
    kept    bigint[];
    foreign_deliveries bigint[];
    kept_deliveries bigint[];
    part    record;
  BEGIN
    events := 0;
    rows_below := 9223372036854775807;
    IF past > (SELECT last_value FROM "postern".number) THEN RETURN; END IF;
    -- It could not be made.
    IF to_regclass('"postern".event_' || oldest) IS NULL THEN
      DELETE FROM "postern".partition WHERE number = oldest;
      RETURN;
    END IF;
    EXECUTE format('SELECT min(received_ms) AS oldest_ms, max(received_ms) AS newest_ms FROM "postern".%I', 'event_' || oldest) INTO times;
    IF times.newest_ms >= before_ms THEN
      IF times.newest_ms - times.oldest_ms < wait_ms THEN rows_below := first; END IF;
      RETURN;
    END IF;
    EXECUTE format('SELECT count(*) FROM "postern".%I', 'event_' || oldest) INTO events;

    -- From here on nobody reads or writes events. A statement of its own, so that the next ones see what it has waited for.
    LOCK TABLE "postern".event, "postern".finished, "postern".attempt IN ACCESS EXCLUSIVE MODE;
    kept := ARRAY(
      SELECT event_seq FROM "postern".delivery WHERE seq >= first * 64 AND seq < past * 64 AND event_seq >= first
      UNION
      SELECT further.event_seq FROM "postern".further_delivery AS further,
             LATERAL (SELECT FROM "postern".delivery WHERE seq = delivery_seq OFFSET 0) AS delivery
      WHERE further.event_seq >= first AND further.event_seq < past);
    -- Replays, numbered within this partition, of older events that are still kept.
    foreign_deliveries := ARRAY(
      SELECT delivery_seq FROM "postern".further_delivery WHERE event_seq < first AND delivery_seq >= first * 64 AND delivery_seq < past * 64);
    IF cardinality(kept) + cardinality(foreign_deliveries) > 10000 THEN
      events := 0;
      RETURN;
    END IF;
    kept_deliveries := foreign_deliveries || ARRAY(SELECT event_seq * 64 + slot FROM unnest(kept) AS event_seq, generate_series(0, 63) AS slot)
      || ARRAY(SELECT delivery_seq FROM "postern".further_delivery WHERE event_seq = ANY (kept));
    FOR part IN
      SELECT name, name || '_' || oldest AS child, key, keeps
      FROM (VALUES ('event', 'seq', kept), ('finished', 'seq', kept_deliveries), ('attempt', 'delivery_seq', kept_deliveries)) AS parts (name, key, keeps)
    LOOP
      EXECUTE format('ALTER TABLE "postern".%I DETACH PARTITION "postern".%I', part.name, part.child);
      EXECUTE format('INSERT INTO "postern".%I SELECT * FROM "postern".%I WHERE %I = ANY ($1)', part.name, part.child, part.key) USING part.keeps;
      EXECUTE format('DROP TABLE "postern".%I', part.child);
    END LOOP;
    DELETE FROM "postern".partition WHERE number = oldest;
    events := events - cardinality(kept);
    rows_below := past;
  END $_$;

CREATE FUNCTION postern.extend_1(seqs bigint[], tokens bigint[], lease_ms bigint, lock_ms integer, offset_ms bigint) RETURNS text
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
  DECLARE
    now_ms bigint := "postern".begin_1(lock_ms, offset_ms);
    held   bigint[];
    places integer[];
  BEGIN
    PERFORM 1 FROM "postern".delivery WHERE seq = ANY (seqs) AND state = 'leased' ORDER BY lane IS NOT NULL, seq FOR UPDATE;
    SELECT array_agg(delivery.seq), array_agg(place) FROM unnest(seqs, tokens) WITH ORDINALITY AS u (seq, token, place), LATERAL (
      SELECT seq FROM "postern".delivery WHERE seq = u.seq AND token = u.token AND state = 'leased' OFFSET 0) AS delivery INTO held, places;
    UPDATE "postern".delivery SET at_ms = now_ms + lease_ms WHERE seq = ANY (held);
    RETURN array_to_json(coalesce(places, '{}'));
  END $$;

CREATE FUNCTION postern.hand_out_1(seqs bigint[], OUT claimed text, OUT bodies bytea) RETURNS record
    LANGUAGE sql STABLE
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
    SELECT string_agg(seq::text || E'\x01\x04' || token::text || E'\x01\x04' || attempt::text || E'\x01\x04' || event_seq::text || E'\x01\x04' || received_ms::text || E'\x01\x04' || coalesce(created_ms::text, E'\x01\x06') || E'\x01\x04' || coalesce(conflicts_with::text, E'\x01\x06') || E'\x01\x04' || octet_length(body)::text || E'\x01\x04' || destination || E'\x01\x04' || tenant || E'\x01\x04' || source || E'\x01\x04' || id || E'\x01\x04' || type || E'\x01\x04' || coalesce(ordering_key, E'\x01\x06') || E'\x01\x04' || verified_by || E'\x01\x04' || headers, E'\x01\x05'), string_agg(body, ''::bytea)
    FROM (
      SELECT delivery.seq, token, attempt, event_seq, destination, tenant, source, id, type, created_ms, received_ms, ordering_key,
             verified_by, conflicts_with, headers, body
      FROM unnest(seqs) WITH ORDINALITY AS u (wanted, place), LATERAL (SELECT * FROM "postern".delivery WHERE seq = wanted OFFSET 0) AS delivery, LATERAL (SELECT * FROM "postern".event WHERE seq = event_seq OFFSET 0) AS event ORDER BY place
    ) AS leased
  $$;

CREATE FUNCTION postern.have_succeeded_1(seqs bigint[], tokens bigint[]) RETURNS text
    LANGUAGE plpgsql STABLE
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
  BEGIN
    RETURN array_to_json(ARRAY(
      SELECT place FROM unnest(seqs, tokens) WITH ORDINALITY AS u (seq, token, place), LATERAL (
        SELECT FROM "postern".finished WHERE seq = u.seq AND token = u.token AND state = 'succeeded' OFFSET 0) AS finished));
  END $$;

CREATE FUNCTION postern.judge_1(now_ms bigint, seqs bigint[], id_keys uuid[], body_keys uuid[], conflict_keys uuid[], digests uuid[], windows bigint[], OUT outcomes text[], OUT others bigint[]) RETURNS record
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
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
      WHERE EXISTS (SELECT 1 FROM "postern".dedupe WHERE key = id_key AND event_seq <> seq)
         OR EXISTS (SELECT 1 FROM "postern".dedupe WHERE key = body_key AND event_seq <> seq)
      ORDER BY place
    LOOP
      SELECT event_seq, digest FROM "postern".dedupe WHERE key = id_keys[n] AND event_seq <> seqs[n] AND expires_ms > now_ms INTO by_id;
      SELECT event_seq FROM "postern".dedupe WHERE key = body_keys[n] AND event_seq <> seqs[n] AND expires_ms > now_ms INTO by_body;
      outcome := 'stored';
      other := NULL;
      IF by_id.event_seq IS NOT NULL AND by_id.digest = digests[n] THEN
        outcome := 'duplicate';
        other := by_id.event_seq;
      ELSIF by_body.event_seq IS NOT NULL THEN
        outcome := 'duplicate';
        other := by_body.event_seq;
      ELSIF by_id.event_seq IS NOT NULL THEN
        IF conflict_keys IS NULL THEN RAISE 'the conflict keys are needed' USING ERRCODE = 'PST01'; END IF;
        SELECT event_seq FROM "postern".dedupe WHERE key = conflict_keys[n] AND expires_ms > now_ms INTO again;
        outcome := CASE WHEN again.event_seq IS NULL THEN 'conflict' ELSE 'duplicate' END;
        other := coalesce(again.event_seq, by_id.event_seq);
      END IF;
      IF outcome = 'duplicate' THEN
        DELETE FROM "postern".dedupe WHERE key IN (id_keys[n], body_keys[n]) AND event_seq = seqs[n];
      ELSE
        INSERT INTO "postern".dedupe AS old (key, digest, event_seq, expires_ms)
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

CREATE FUNCTION postern.lease_lost_1() RETURNS void
    LANGUAGE plpgsql
    AS $$
  BEGIN
    RAISE 'postern: the lease of the delivery is lost; this transaction can only be rolled back' USING ERRCODE = 'PST02';
  END $$;

CREATE FUNCTION postern.lock_1(seqs bigint[]) RETURNS uuid[]
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
  DECLARE
    lanes uuid[];
  BEGIN
    PERFORM 1 FROM "postern".delivery WHERE seq = ANY (seqs) AND lane IS NULL ORDER BY seq FOR UPDATE;
    lanes := ARRAY(SELECT DISTINCT lane FROM "postern".delivery WHERE seq = ANY (seqs) AND lane IS NOT NULL);
    IF lanes = '{}' THEN RETURN lanes; END IF;
    PERFORM 1 FROM "postern".lane WHERE key = ANY (lanes) ORDER BY key FOR UPDATE;
    PERFORM 1 FROM "postern".delivery WHERE seq = ANY (seqs) AND lane IS NOT NULL ORDER BY seq FOR UPDATE;
    RETURN lanes;
  END $$;

CREATE FUNCTION postern.make_partition_1(number bigint) RETURNS void
    LANGUAGE plpgsql
    AS $$
  DECLARE
    part record;
  BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('postern partition "postern"', 0));
    IF EXISTS (SELECT 1 FROM "postern".partition AS known WHERE known.number = make_partition_1.number) THEN RETURN; END IF;
    INSERT INTO "postern".partition VALUES (number);
    FOR part IN
      SELECT name, name || '_' || make_partition_1.number AS child, size
      FROM (VALUES ('event', 1048576::bigint), ('finished', 67108864), ('attempt', 67108864)) AS parts (name, size)
    LOOP
      EXECUTE format('CREATE TABLE "postern".%I (LIKE "postern".%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', part.child, part.name);
      EXECUTE format('ALTER TABLE "postern".%I ATTACH PARTITION "postern".%I FOR VALUES FROM (%s) TO (%s)',
        part.name, part.child, number * part.size, (number + 1) * part.size);
    END LOOP;
  EXCEPTION WHEN check_violation THEN
    INSERT INTO "postern".partition VALUES (number);
  END $$;

CREATE FUNCTION postern.now_1(offset_ms bigint) RETURNS bigint
    LANGUAGE sql STABLE
    RETURN ((floor((EXTRACT(epoch FROM statement_timestamp()) * (1000)::numeric)))::bigint + offset_ms);

CREATE FUNCTION postern.put_1(lock_ms integer, offset_ms bigint, id_keys uuid[], body_keys uuid[], key_count integer, conflict_keys uuid[], digests uuid[], windows bigint[], tenants text[], sources text[], ids text[], types text[], created bigint[], ordering_keys text[], verified text[], on_deads text[], headers text, bodies bytea, starts integer[], lengths integer[], dispatched boolean[], delivery_numbers integer[], slots integer[], destinations text[], leases bigint[], lanes uuid[]) RETURNS text
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
  DECLARE
    now_ms     bigint := "postern".begin_1(lock_ms, offset_ms);
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
      INSERT INTO "postern".lane (key, on_dead)
      SELECT DISTINCT ON (lane) lane, on_deads[number] FROM unnest(lanes, delivery_numbers) AS u (lane, number)
      WHERE lane IS NOT NULL ORDER BY lane
      ON CONFLICT (key) DO UPDATE SET puts = lane.puts + 1;
    END IF;
    -- Numbered under the lanes' locks: in a lane, a later number is a later commit.
    seqs := ARRAY(SELECT nextval('"postern".number') FROM generate_series(1, cardinality(ids)));

    -- A key whose window is over is taken as a free one. Of the others nothing is written, and they are locked all the same.
    INSERT INTO "postern".dedupe AS old (key, digest, event_seq, expires_ms)
    SELECT DISTINCT ON (key) key, digest, seq, now_ms + coalesce(window_ms, windows[1])
    FROM (SELECT * FROM unnest(id_keys, digests, seqs, windows) WHERE id_keys IS NOT NULL
          UNION ALL SELECT * FROM unnest(body_keys, digests, seqs, windows) WHERE body_keys IS NOT NULL)
      AS u (key, digest, seq, window_ms)
    WHERE key IS NOT NULL ORDER BY key, seq
    ON CONFLICT (key) DO UPDATE SET digest = excluded.digest, event_seq = excluded.event_seq, expires_ms = excluded.expires_ms
    WHERE old.expires_ms <= now_ms;
    GET DIAGNOSTICS reserved = ROW_COUNT;
    IF reserved < key_count THEN
      SELECT * FROM "postern".judge_1(now_ms, seqs, id_keys, body_keys, conflict_keys, digests, windows) INTO outcomes, others;
    END IF;

    INSERT INTO "postern".event (seq, received_ms, created_ms, conflicts_with, tenant, source, id, type, ordering_key, verified_by, on_dead,
                         headers, body)
    SELECT seq, now_ms, created_ms, CASE WHEN outcome = 'conflict' THEN other END, coalesce(tenant, tenants[1]), coalesce(source, sources[1]), id,
           coalesce(type, types[1]), ordering_key, coalesce(verified_by, verified[1]), on_dead, header, substring(bodies FROM start FOR length)
    FROM unnest(seqs, outcomes, others, created, tenants, sources, ids, types, ordering_keys, verified, on_deads,
                string_to_array(headers, E'\n'), starts, lengths)
      AS u (seq, outcome, other, created_ms, tenant, source, id, type, ordering_key, verified_by, on_dead, header, start, length)
    WHERE outcome IS DISTINCT FROM 'duplicate';

    IF leases IS NULL AND slots IS NULL THEN
      
      INSERT INTO "postern".delivery (seq, event_seq, made_ms, due_ms, at_ms, token, attempt, body_bytes, state, destination)
      SELECT CASE WHEN slot >= 64 THEN nextval('"postern".number') * 64 ELSE seqs[number] * 64 + coalesce(slot, 0) END,
             seqs[number], now_ms, now_ms, now_ms + coalesce(lease_ms, 0), (lease_ms IS NOT NULL)::integer, (lease_ms IS NOT NULL)::integer,
             lengths[number], CASE WHEN lease_ms IS NULL THEN 'pending' ELSE 'leased' END, coalesce(destination, destinations[1])
      FROM unnest(delivery_numbers, slots, destinations, leases, lanes) AS u (number, slot, destination, lease_ms, lane)
      WHERE lane IS NULL AND (outcomes IS NULL OR outcomes[number] = 'stored' OR outcomes[number] = 'conflict' AND dispatched[number]);
    ELSE
      WITH made AS (
      INSERT INTO "postern".delivery (seq, event_seq, made_ms, due_ms, at_ms, token, attempt, body_bytes, state, destination)
      SELECT CASE WHEN slot >= 64 THEN nextval('"postern".number') * 64 ELSE seqs[number] * 64 + coalesce(slot, 0) END,
             seqs[number], now_ms, now_ms, now_ms + coalesce(lease_ms, 0), (lease_ms IS NOT NULL)::integer, (lease_ms IS NOT NULL)::integer,
             lengths[number], CASE WHEN lease_ms IS NULL THEN 'pending' ELSE 'leased' END, coalesce(destination, destinations[1])
      FROM unnest(delivery_numbers, slots, destinations, leases, lanes) AS u (number, slot, destination, lease_ms, lane)
      WHERE lane IS NULL AND (outcomes IS NULL OR outcomes[number] = 'stored' OR outcomes[number] = 'conflict' AND dispatched[number])
        RETURNING seq, event_seq, state
      ), further AS (
        INSERT INTO "postern".further_delivery SELECT event_seq, seq FROM made WHERE seq / 64 <> event_seq
      )
      SELECT array_agg(ARRAY[event_seq, seq]) FROM made WHERE state = 'leased' INTO leased;
    END IF;

    IF in_line THEN
      UPDATE "postern".lane SET on_dead = newest.on_dead
      FROM (SELECT DISTINCT ON (lane) lane, on_deads[number] AS on_dead
            FROM unnest(lanes, delivery_numbers) AS u (lane, number)
            WHERE lane IS NOT NULL AND (outcomes IS NULL OR outcomes[number] = 'stored' OR outcomes[number] = 'conflict' AND dispatched[number]) ORDER BY lane, number DESC) AS newest
      WHERE lane.key = newest.lane AND lane.on_dead <> newest.on_dead;

      WITH placed AS MATERIALIZED (
        SELECT *, row_number() OVER (PARTITION BY lane ORDER BY place) = 1
                  AND NOT EXISTS (SELECT 1 FROM "postern".delivery WHERE open_lane = u.lane OFFSET 0) AS is_first
        FROM unnest(delivery_numbers, slots, destinations, leases, lanes) WITH ORDINALITY AS u (number, slot, destination, lease_ms, lane, place)
        WHERE lane IS NOT NULL AND (outcomes IS NULL OR outcomes[number] = 'stored' OR outcomes[number] = 'conflict' AND dispatched[number])
      ), made AS (
        INSERT INTO "postern".delivery (seq, event_seq, made_ms, due_ms, at_ms, token, lane, open_lane, attempt, body_bytes, state, destination)
        SELECT CASE WHEN slot >= 64 THEN nextval('"postern".number') * 64 ELSE seqs[number] * 64 + coalesce(slot, 0) END,
               seqs[number], now_ms, now_ms, CASE WHEN is_first THEN now_ms + coalesce(lease_ms, 0) END,
               (is_first AND lease_ms IS NOT NULL)::integer, lane, lane, (is_first AND lease_ms IS NOT NULL)::integer,
               lengths[number], CASE WHEN is_first AND lease_ms IS NOT NULL THEN 'leased' ELSE 'pending' END, coalesce(destination, destinations[1])
        FROM placed ORDER BY place
        RETURNING seq, event_seq, state
      ), further AS (
        INSERT INTO "postern".further_delivery SELECT event_seq, seq FROM made WHERE seq / 64 <> event_seq
      )
      SELECT array_agg(ARRAY[event_seq, seq]) FROM made WHERE state = 'leased' INTO leased_too;
    END IF;

    IF reserved = key_count THEN
      RETURN json_build_object('now', now_ms, 'seqs', seqs, 'leased', leased || leased_too);
    END IF;
    copies := ARRAY(SELECT other FROM unnest(outcomes, others) AS u (outcome, other) WHERE outcome = 'duplicate');
    -- Of events that are still there: nobody would take away the count of one that was pruned.
    WITH kept AS (SELECT seq FROM "postern".event WHERE seq = ANY (copies) ORDER BY seq FOR KEY SHARE)
    INSERT INTO "postern".duplicate (event_seq, copies)
    SELECT seq, count(*) FROM kept JOIN unnest(copies) AS copy (seq) USING (seq) GROUP BY seq ORDER BY seq
    ON CONFLICT (event_seq) DO UPDATE SET copies = duplicate.copies + excluded.copies;
    RETURN json_build_object('now', now_ms, 'seqs', seqs, 'leased', leased || leased_too, 'outcomes', outcomes, 'others', others,
                             'statuses', "postern".statuses_1(copies));
  END $$;

CREATE FUNCTION postern.settle_1(seqs bigint[], tokens bigint[], kinds text[], waits bigint[], errors text[], durations bigint[], offset_ms bigint, OUT places text, OUT brings_work boolean) RETURNS record
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
  DECLARE
    now_ms bigint := "postern".now_1(offset_ms);
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
      DELETE FROM "postern".delivery WHERE seq = ANY (said.seqs) AND token = said.tokens[width_bucket(seq, said.seqs)] AND state = 'leased' AND lane IS NULL
      RETURNING *
    ), kept AS (
      INSERT INTO "postern".finished (seq, event_seq, due_ms, ended_ms, duration_ms, token, attempt, destination, state, error)
      SELECT seq, event_seq, due_ms, now_ms, said.durations[width_bucket(seq, said.seqs)], token, attempt, destination, 'succeeded', error FROM gone
    )
    SELECT array_agg(said.places[width_bucket(seq, said.seqs)]) FROM gone INTO done;
    brings_work := false;
    IF cardinality(done) = cardinality(seqs) THEN
      places := array_to_json(done);
      RETURN;
    END IF;

    lanes := "postern".lock_1(seqs);
    SELECT array_agg(place) AS places, array_agg(u.seq) AS seqs,
           array_agg(u.seq ORDER BY u.seq) FILTER (WHERE kind = 'succeeded') AS succeeded,
           array_agg(duration_ms ORDER BY u.seq) FILTER (WHERE kind = 'succeeded') AS succeeded_durations,
           array_agg(u.seq ORDER BY u.seq) FILTER (WHERE kind <> 'succeeded') AS failed,
           array_agg(kind ORDER BY u.seq) FILTER (WHERE kind <> 'succeeded') AS kinds,
           array_agg(wait_ms ORDER BY u.seq) FILTER (WHERE kind <> 'succeeded') AS waits,
           array_agg(error ORDER BY u.seq) FILTER (WHERE kind <> 'succeeded') AS errors,
           array_agg(duration_ms ORDER BY u.seq) FILTER (WHERE kind <> 'succeeded') AS durations
    FROM unnest(seqs, tokens, kinds, waits, errors, durations) WITH ORDINALITY AS u (seq, token, kind, wait_ms, error, duration_ms, place),
         LATERAL (SELECT FROM "postern".delivery WHERE seq = u.seq AND token = u.token AND state = 'leased' OFFSET 0) AS delivery
    INTO held;
    places := array_to_json(done || coalesce(held.places, '{}'));
    IF held.seqs IS NULL THEN RETURN; END IF;

    IF lanes <> '{}' THEN
      SELECT array_agg(lane ORDER BY lane) AS lanes, array_agg(seq ORDER BY lane) AS seqs
      FROM (SELECT lane, max(seq) AS seq FROM "postern".delivery WHERE seq = ANY (held.seqs) AND lane IS NOT NULL GROUP BY lane) AS settled
      INTO newest;
      UPDATE "postern".lane SET last_settled_seq = greatest(last_settled_seq, newest.seqs[width_bucket(key, newest.lanes)])
      WHERE key = ANY (newest.lanes);
    END IF;

    IF held.succeeded IS NOT NULL THEN
      WITH gone AS (DELETE FROM "postern".delivery WHERE seq = ANY (held.succeeded) RETURNING *)
      INSERT INTO "postern".finished (seq, event_seq, due_ms, ended_ms, duration_ms, token, lane, attempt, destination, state, error)
      SELECT seq, event_seq, due_ms, now_ms, held.succeeded_durations[width_bucket(seq, held.succeeded)], token, lane, attempt, destination,
             'succeeded', error
      FROM gone;
    END IF;

    IF held.failed IS NOT NULL THEN
      WITH ended AS (
        UPDATE "postern".delivery SET
          state = CASE WHEN held.kinds[width_bucket(seq, held.failed)] = 'dead' THEN 'dead' ELSE 'pending' END,
          due_ms = CASE WHEN held.kinds[width_bucket(seq, held.failed)] = 'dead' THEN due_ms ELSE now_ms + held.waits[width_bucket(seq, held.failed)] END,
          at_ms = CASE WHEN held.kinds[width_bucket(seq, held.failed)] <> 'dead' AND lane IS NULL THEN now_ms + held.waits[width_bucket(seq, held.failed)] END,
          open_lane = CASE WHEN held.kinds[width_bucket(seq, held.failed)] = 'dead' AND (SELECT on_dead FROM "postern".lane WHERE key = delivery.lane) = 'continue'
                      THEN NULL ELSE lane END,
          attempt = attempt - (held.kinds[width_bucket(seq, held.failed)] = 'released')::integer,
          error = coalesce(held.errors[width_bucket(seq, held.failed)], error)
        WHERE seq = ANY (held.failed)
        RETURNING seq, token, attempt, held.kinds[width_bucket(seq, held.failed)] AS kind, held.errors[width_bucket(seq, held.failed)] AS said_error, held.durations[width_bucket(seq, held.failed)] AS duration_ms
      )
      INSERT INTO "postern".attempt (delivery_seq, token, ended_ms, duration_ms, number, outcome, error)
      SELECT seq, token, now_ms, duration_ms, attempt, kind, said_error FROM ended WHERE kind <> 'released';
      brings_work := EXISTS (SELECT 1 FROM unnest(held.kinds) AS kind WHERE kind <> 'dead');
    END IF;

    IF lanes <> '{}' AND "postern".advance_1(lanes) THEN brings_work := true; END IF;
  END $$;

CREATE FUNCTION postern.settle_in_1(xact numeric, seq bigint, token bigint, duration_ms bigint, offset_ms bigint) RETURNS text
    LANGUAGE plpgsql
    AS $$
  DECLARE
    settled record;
  BEGIN
    IF pg_current_xact_id()::text <> xact::text THEN RETURN 'elsewhere'; END IF;
    SELECT * FROM "postern".settle_1(ARRAY[seq], ARRAY[token], ARRAY['succeeded'], ARRAY[0::bigint], ARRAY[NULL::text], ARRAY[duration_ms],
      offset_ms) INTO settled;
    RETURN CASE WHEN settled.places = '[]' THEN 'lost' WHEN settled.brings_work THEN 'brings work' ELSE 'settled' END;
  END $$;

CREATE FUNCTION postern.settle_own_1(lock_ms integer, seqs bigint[], tokens bigint[], kinds text[], waits bigint[], errors text[], durations bigint[], offset_ms bigint, OUT places text, OUT brings_work boolean) RETURNS record
    LANGUAGE plpgsql
    AS $$
  BEGIN
    PERFORM "postern".begin_1(lock_ms, offset_ms);
    SELECT * FROM "postern".settle_1(seqs, tokens, kinds, waits, errors, durations, offset_ms) INTO places, brings_work;
  END $$;

CREATE FUNCTION postern.statuses_1(event_seqs bigint[]) RETURNS json
    LANGUAGE sql STABLE
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
    SELECT json_agg(json_build_array(event_seq, delivery.seq, destination, state) ORDER BY delivery.seq)
    FROM (SELECT DISTINCT unnest(event_seqs) AS event_seq) AS event, LATERAL (
      SELECT seq, destination, state FROM "postern".every_delivery
      WHERE seq BETWEEN event.event_seq * 64 AND event.event_seq * 64 + 63
      UNION ALL
      SELECT seq, destination, state FROM "postern".further_delivery,
             LATERAL (SELECT seq, destination, state FROM "postern".every_delivery WHERE seq = delivery_seq OFFSET 0) AS made_later
      WHERE further_delivery.event_seq = event.event_seq
    ) AS delivery
  $$;

CREATE FUNCTION postern.take_1(of bigint, at_destination text, lease_ms bigint, lock_ms integer, offset_ms bigint, OUT statuses text, OUT claimed text, OUT bodies bytea) RETURNS record
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
  DECLARE
    now_ms bigint := "postern".begin_1(lock_ms, offset_ms);
    there  bigint[];
    newest record;
    line   record;
  BEGIN
    there := ARRAY(
      SELECT seq FROM "postern".delivery WHERE seq BETWEEN of * 64 AND of * 64 + 63 AND destination = at_destination
      UNION ALL
      SELECT seq FROM "postern".further_delivery,
             LATERAL (SELECT seq, destination FROM "postern".delivery WHERE seq = delivery_seq OFFSET 0) AS delivery
      WHERE further_delivery.event_seq = of AND destination = at_destination);
    PERFORM "postern".lock_1(there);
    statuses := "postern".statuses_1(ARRAY[of]);
    SELECT max(delivery.seq) AS seq,
           bool_or(state = 'succeeded' OR state = 'leased' AND lease_until_ms > now_ms) AS is_done_or_running
    FROM json_array_elements(statuses::json) AS status, LATERAL (
      SELECT seq, state, lease_until_ms FROM "postern".every_delivery
      WHERE seq = (status ->> 1)::bigint AND destination = at_destination OFFSET 0) AS delivery
    INTO newest;
    IF newest.seq IS NULL OR newest.is_done_or_running THEN RETURN; END IF;
    SELECT * FROM "postern".delivery WHERE seq = newest.seq INTO newest;
    -- Finished: it was cancelled.
    IF newest.seq IS NULL THEN RETURN; END IF;
    IF newest.lane IS NOT NULL AND newest.state <> 'leased' THEN
      -- Neither behind another, nor after one that has run since.
      IF EXISTS (SELECT 1 FROM "postern".delivery WHERE open_lane = newest.lane AND seq < newest.seq) THEN RETURN; END IF;
      SELECT last_settled_seq FROM "postern".lane WHERE key = newest.lane INTO line;
      IF newest.state = 'dead' AND line.last_settled_seq > newest.seq THEN RETURN; END IF;
      UPDATE "postern".delivery SET at_ms = NULL WHERE lane = newest.lane AND at_ms IS NOT NULL AND state NOT IN ('leased', 'dead') AND seq <> newest.seq;
      IF EXISTS (SELECT 1 FROM "postern".delivery WHERE lane = newest.lane AND at_ms IS NOT NULL AND seq <> newest.seq) THEN RETURN; END IF;
    END IF;
    UPDATE "postern".delivery
    SET state = 'leased', token = token + 1, attempt = CASE WHEN state = 'dead' THEN 1 ELSE attempt + 1 END, at_ms = now_ms + lease_ms,
        open_lane = lane
    WHERE seq = newest.seq;
    SELECT * FROM "postern".hand_out_1(ARRAY[newest.seq]) INTO claimed, bodies;
  END $$;

CREATE TABLE postern.attempt (
    delivery_seq bigint NOT NULL,
    token bigint NOT NULL,
    ended_ms bigint NOT NULL,
    duration_ms bigint NOT NULL,
    number integer NOT NULL,
    outcome text NOT NULL,
    error text
)
PARTITION BY RANGE (delivery_seq);

CREATE TABLE postern.attempt_0 (
    delivery_seq bigint NOT NULL,
    token bigint NOT NULL,
    ended_ms bigint NOT NULL,
    duration_ms bigint NOT NULL,
    number integer NOT NULL,
    outcome text NOT NULL,
    error text
);

CREATE TABLE postern.attempt_1 (
    delivery_seq bigint NOT NULL,
    token bigint NOT NULL,
    ended_ms bigint NOT NULL,
    duration_ms bigint NOT NULL,
    number integer NOT NULL,
    outcome text NOT NULL,
    error text
);

CREATE TABLE postern.attempt_rest (
    delivery_seq bigint NOT NULL,
    token bigint NOT NULL,
    ended_ms bigint NOT NULL,
    duration_ms bigint NOT NULL,
    number integer NOT NULL,
    outcome text NOT NULL,
    error text
);

CREATE TABLE postern.dedupe (
    key uuid NOT NULL,
    digest uuid NOT NULL,
    event_seq bigint NOT NULL,
    expires_ms bigint NOT NULL
);

CREATE TABLE postern.delivery (
    seq bigint NOT NULL,
    event_seq bigint NOT NULL,
    made_ms bigint NOT NULL,
    due_ms bigint NOT NULL,
    at_ms bigint,
    token bigint DEFAULT 0 NOT NULL,
    lane uuid,
    open_lane uuid,
    attempt integer DEFAULT 0 NOT NULL,
    body_bytes integer NOT NULL,
    state text NOT NULL,
    destination text NOT NULL,
    error text,
    CONSTRAINT delivery_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'leased'::text, 'dead'::text])))
)
WITH (fillfactor='80', autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_threshold='2000');

CREATE TABLE postern.duplicate (
    event_seq bigint NOT NULL,
    copies bigint NOT NULL
);

CREATE TABLE postern.event (
    seq bigint NOT NULL,
    received_ms bigint NOT NULL,
    created_ms bigint,
    conflicts_with bigint,
    tenant text NOT NULL,
    source text NOT NULL,
    id text NOT NULL,
    type text NOT NULL,
    ordering_key text,
    verified_by text NOT NULL,
    on_dead text,
    headers text NOT NULL,
    body bytea NOT NULL
)
PARTITION BY RANGE (seq);

CREATE TABLE postern.event_0 (
    seq bigint NOT NULL,
    received_ms bigint NOT NULL,
    created_ms bigint,
    conflicts_with bigint,
    tenant text NOT NULL,
    source text NOT NULL,
    id text NOT NULL,
    type text NOT NULL,
    ordering_key text,
    verified_by text NOT NULL,
    on_dead text,
    headers text NOT NULL,
    body bytea NOT NULL
);

CREATE TABLE postern.event_1 (
    seq bigint NOT NULL,
    received_ms bigint NOT NULL,
    created_ms bigint,
    conflicts_with bigint,
    tenant text NOT NULL,
    source text NOT NULL,
    id text NOT NULL,
    type text NOT NULL,
    ordering_key text,
    verified_by text NOT NULL,
    on_dead text,
    headers text NOT NULL,
    body bytea NOT NULL
);

CREATE TABLE postern.event_rest (
    seq bigint NOT NULL,
    received_ms bigint NOT NULL,
    created_ms bigint,
    conflicts_with bigint,
    tenant text NOT NULL,
    source text NOT NULL,
    id text NOT NULL,
    type text NOT NULL,
    ordering_key text,
    verified_by text NOT NULL,
    on_dead text,
    headers text NOT NULL,
    body bytea NOT NULL
);

CREATE TABLE postern.finished (
    seq bigint NOT NULL,
    event_seq bigint NOT NULL,
    due_ms bigint NOT NULL,
    ended_ms bigint,
    duration_ms bigint,
    token bigint NOT NULL,
    lane uuid,
    attempt integer NOT NULL,
    destination text NOT NULL,
    state text NOT NULL,
    error text,
    CONSTRAINT finished_state_check CHECK ((state = ANY (ARRAY['succeeded'::text, 'cancelled'::text])))
)
PARTITION BY RANGE (seq);

CREATE VIEW postern.every_delivery AS
 SELECT delivery.seq,
    delivery.event_seq,
    delivery.destination,
    delivery.state,
    delivery.due_ms,
        CASE
            WHEN (delivery.state = 'leased'::text) THEN delivery.at_ms
            ELSE NULL::bigint
        END AS lease_until_ms,
    delivery.token,
    delivery.attempt,
    delivery.error,
    delivery.lane,
    ((delivery.state = 'dead'::text) AND (delivery.open_lane IS NOT NULL)) AS blocks,
    NULL::bigint AS ended_ms,
    NULL::bigint AS duration_ms
   FROM postern.delivery
UNION ALL
 SELECT finished.seq,
    finished.event_seq,
    finished.destination,
    finished.state,
    finished.due_ms,
    NULL::bigint AS lease_until_ms,
    finished.token,
    finished.attempt,
    finished.error,
    finished.lane,
    false AS blocks,
    finished.ended_ms,
    finished.duration_ms
   FROM postern.finished;

CREATE TABLE postern.finished_0 (
    seq bigint NOT NULL,
    event_seq bigint NOT NULL,
    due_ms bigint NOT NULL,
    ended_ms bigint,
    duration_ms bigint,
    token bigint NOT NULL,
    lane uuid,
    attempt integer NOT NULL,
    destination text NOT NULL,
    state text NOT NULL,
    error text,
    CONSTRAINT finished_state_check CHECK ((state = ANY (ARRAY['succeeded'::text, 'cancelled'::text])))
);

CREATE TABLE postern.finished_1 (
    seq bigint NOT NULL,
    event_seq bigint NOT NULL,
    due_ms bigint NOT NULL,
    ended_ms bigint,
    duration_ms bigint,
    token bigint NOT NULL,
    lane uuid,
    attempt integer NOT NULL,
    destination text NOT NULL,
    state text NOT NULL,
    error text,
    CONSTRAINT finished_state_check CHECK ((state = ANY (ARRAY['succeeded'::text, 'cancelled'::text])))
);

CREATE TABLE postern.finished_rest (
    seq bigint NOT NULL,
    event_seq bigint NOT NULL,
    due_ms bigint NOT NULL,
    ended_ms bigint,
    duration_ms bigint,
    token bigint NOT NULL,
    lane uuid,
    attempt integer NOT NULL,
    destination text NOT NULL,
    state text NOT NULL,
    error text,
    CONSTRAINT finished_state_check CHECK ((state = ANY (ARRAY['succeeded'::text, 'cancelled'::text])))
);

CREATE TABLE postern.further_delivery (
    event_seq bigint NOT NULL,
    delivery_seq bigint NOT NULL
);

CREATE TABLE postern.lane (
    key uuid NOT NULL,
    on_dead text NOT NULL,
    last_settled_seq bigint DEFAULT 0 NOT NULL,
    puts bigint DEFAULT 1 NOT NULL
)
WITH (fillfactor='50');

CREATE TABLE postern.migration (
    number integer NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE SEQUENCE postern.number
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

CREATE TABLE postern.partition (
    number bigint NOT NULL
);

CREATE TABLE postern.rejected (
    seq bigint NOT NULL,
    key uuid NOT NULL,
    received_ms bigint NOT NULL,
    body_bytes bigint NOT NULL,
    copies bigint DEFAULT 1 NOT NULL,
    budget text NOT NULL,
    source text NOT NULL,
    reason text NOT NULL,
    method text NOT NULL,
    url text NOT NULL,
    headers text NOT NULL,
    body bytea NOT NULL
);

ALTER TABLE postern.rejected ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME postern.rejected_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE postern.state (
    key text NOT NULL COLLATE pg_catalog."C",
    value text NOT NULL,
    expires_ms bigint
);

ALTER TABLE ONLY postern.attempt ATTACH PARTITION postern.attempt_0 FOR VALUES FROM ('0') TO ('67108864');

ALTER TABLE ONLY postern.attempt ATTACH PARTITION postern.attempt_1 FOR VALUES FROM ('67108864') TO ('134217728');

ALTER TABLE ONLY postern.attempt ATTACH PARTITION postern.attempt_rest DEFAULT;

ALTER TABLE ONLY postern.event ATTACH PARTITION postern.event_0 FOR VALUES FROM ('0') TO ('1048576');

ALTER TABLE ONLY postern.event ATTACH PARTITION postern.event_1 FOR VALUES FROM ('1048576') TO ('2097152');

ALTER TABLE ONLY postern.event ATTACH PARTITION postern.event_rest DEFAULT;

ALTER TABLE ONLY postern.finished ATTACH PARTITION postern.finished_0 FOR VALUES FROM ('0') TO ('67108864');

ALTER TABLE ONLY postern.finished ATTACH PARTITION postern.finished_1 FOR VALUES FROM ('67108864') TO ('134217728');

ALTER TABLE ONLY postern.finished ATTACH PARTITION postern.finished_rest DEFAULT;

ALTER TABLE ONLY postern.attempt
    ADD CONSTRAINT attempt_pkey PRIMARY KEY (delivery_seq, token);

ALTER TABLE ONLY postern.attempt_0
    ADD CONSTRAINT attempt_0_pkey PRIMARY KEY (delivery_seq, token);

ALTER TABLE ONLY postern.attempt_1
    ADD CONSTRAINT attempt_1_pkey PRIMARY KEY (delivery_seq, token);

ALTER TABLE ONLY postern.attempt_rest
    ADD CONSTRAINT attempt_rest_pkey PRIMARY KEY (delivery_seq, token);

ALTER TABLE ONLY postern.dedupe
    ADD CONSTRAINT dedupe_pkey PRIMARY KEY (key);

ALTER TABLE ONLY postern.delivery
    ADD CONSTRAINT delivery_pkey PRIMARY KEY (seq);

ALTER TABLE ONLY postern.duplicate
    ADD CONSTRAINT duplicate_pkey PRIMARY KEY (event_seq);

ALTER TABLE ONLY postern.event
    ADD CONSTRAINT event_pkey PRIMARY KEY (seq);

ALTER TABLE ONLY postern.event_0
    ADD CONSTRAINT event_0_pkey PRIMARY KEY (seq);

ALTER TABLE ONLY postern.event_1
    ADD CONSTRAINT event_1_pkey PRIMARY KEY (seq);

ALTER TABLE ONLY postern.event_rest
    ADD CONSTRAINT event_rest_pkey PRIMARY KEY (seq);

ALTER TABLE ONLY postern.finished
    ADD CONSTRAINT finished_pkey PRIMARY KEY (seq);

ALTER TABLE ONLY postern.finished_0
    ADD CONSTRAINT finished_0_pkey PRIMARY KEY (seq);

ALTER TABLE ONLY postern.finished_1
    ADD CONSTRAINT finished_1_pkey PRIMARY KEY (seq);

ALTER TABLE ONLY postern.finished_rest
    ADD CONSTRAINT finished_rest_pkey PRIMARY KEY (seq);

ALTER TABLE ONLY postern.further_delivery
    ADD CONSTRAINT further_delivery_pkey PRIMARY KEY (event_seq, delivery_seq);

ALTER TABLE ONLY postern.lane
    ADD CONSTRAINT lane_pkey PRIMARY KEY (key);

ALTER TABLE ONLY postern.migration
    ADD CONSTRAINT migration_pkey PRIMARY KEY (number);

ALTER TABLE ONLY postern.partition
    ADD CONSTRAINT partition_pkey PRIMARY KEY (number);

ALTER TABLE ONLY postern.rejected
    ADD CONSTRAINT rejected_key_key UNIQUE (key);

ALTER TABLE ONLY postern.rejected
    ADD CONSTRAINT rejected_pkey PRIMARY KEY (seq);

ALTER TABLE ONLY postern.state
    ADD CONSTRAINT state_pkey PRIMARY KEY (key);

CREATE INDEX dedupe_by_expiry ON postern.dedupe USING btree (expires_ms);

CREATE INDEX delivery_dead ON postern.delivery USING btree (destination, seq) WHERE (state = 'dead'::text);

CREATE INDEX delivery_lane_dead ON postern.delivery USING btree (lane) WHERE ((state = 'dead'::text) AND (lane IS NOT NULL));

CREATE INDEX delivery_leased ON postern.delivery USING btree (destination, at_ms, seq) WHERE ((state = 'leased'::text) AND (at_ms IS NOT NULL));

CREATE INDEX delivery_open ON postern.delivery USING btree (open_lane, seq) WHERE (open_lane IS NOT NULL);

CREATE INDEX delivery_pending ON postern.delivery USING btree (destination, at_ms, seq) WHERE ((state = 'pending'::text) AND (at_ms IS NOT NULL));

CREATE UNIQUE INDEX delivery_turn ON postern.delivery USING btree (lane) WHERE ((lane IS NOT NULL) AND (at_ms IS NOT NULL));

CREATE INDEX event_by_age ON ONLY postern.event USING btree (received_ms, seq);

CREATE INDEX event_0_received_ms_seq_idx ON postern.event_0 USING btree (received_ms, seq);

CREATE INDEX event_conflict ON ONLY postern.event USING btree (seq) WHERE (conflicts_with IS NOT NULL);

CREATE INDEX event_0_seq_idx ON postern.event_0 USING btree (seq) WHERE (conflicts_with IS NOT NULL);

CREATE INDEX event_1_received_ms_seq_idx ON postern.event_1 USING btree (received_ms, seq);

CREATE INDEX event_1_seq_idx ON postern.event_1 USING btree (seq) WHERE (conflicts_with IS NOT NULL);

CREATE INDEX event_rest_received_ms_seq_idx ON postern.event_rest USING btree (received_ms, seq);

CREATE INDEX event_rest_seq_idx ON postern.event_rest USING btree (seq) WHERE (conflicts_with IS NOT NULL);

CREATE INDEX finished_cancelled ON ONLY postern.finished USING btree (seq) WHERE (state = 'cancelled'::text);

CREATE INDEX finished_0_seq_idx ON postern.finished_0 USING btree (seq) WHERE (state = 'cancelled'::text);

CREATE INDEX finished_1_seq_idx ON postern.finished_1 USING btree (seq) WHERE (state = 'cancelled'::text);

CREATE INDEX finished_rest_seq_idx ON postern.finished_rest USING btree (seq) WHERE (state = 'cancelled'::text);

CREATE INDEX rejected_by_budget ON postern.rejected USING btree (budget, seq);

ALTER INDEX postern.attempt_pkey ATTACH PARTITION postern.attempt_0_pkey;

ALTER INDEX postern.attempt_pkey ATTACH PARTITION postern.attempt_1_pkey;

ALTER INDEX postern.attempt_pkey ATTACH PARTITION postern.attempt_rest_pkey;

ALTER INDEX postern.event_pkey ATTACH PARTITION postern.event_0_pkey;

ALTER INDEX postern.event_by_age ATTACH PARTITION postern.event_0_received_ms_seq_idx;

ALTER INDEX postern.event_conflict ATTACH PARTITION postern.event_0_seq_idx;

ALTER INDEX postern.event_pkey ATTACH PARTITION postern.event_1_pkey;

ALTER INDEX postern.event_by_age ATTACH PARTITION postern.event_1_received_ms_seq_idx;

ALTER INDEX postern.event_conflict ATTACH PARTITION postern.event_1_seq_idx;

ALTER INDEX postern.event_pkey ATTACH PARTITION postern.event_rest_pkey;

ALTER INDEX postern.event_by_age ATTACH PARTITION postern.event_rest_received_ms_seq_idx;

ALTER INDEX postern.event_conflict ATTACH PARTITION postern.event_rest_seq_idx;

ALTER INDEX postern.finished_pkey ATTACH PARTITION postern.finished_0_pkey;

ALTER INDEX postern.finished_cancelled ATTACH PARTITION postern.finished_0_seq_idx;

ALTER INDEX postern.finished_pkey ATTACH PARTITION postern.finished_1_pkey;

ALTER INDEX postern.finished_cancelled ATTACH PARTITION postern.finished_1_seq_idx;

ALTER INDEX postern.finished_pkey ATTACH PARTITION postern.finished_rest_pkey;

ALTER INDEX postern.finished_cancelled ATTACH PARTITION postern.finished_rest_seq_idx;
