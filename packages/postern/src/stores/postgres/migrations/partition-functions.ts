import { PARTITION_EVENTS, SLOTS } from './tables.ts'

/** Above this, moving what is not done takes longer than everyone may be locked out. */
const MOST_MOVED = 10_000

/** Partitions: how they are made, and how retention drops them. */
export function partitionFunctions(s: string): string {
  return `
  -- Makes the tables for the events from number * ${PARTITION_EVENTS} on. Attached when they are made: CREATE … PARTITION OF would lock out
  -- every reader. Where such events have come already they stay with the rest, and are deleted one by one.
  CREATE FUNCTION ${s}.make_partition_1(number bigint) RETURNS void LANGUAGE plpgsql AS $$
  DECLARE
    part record;
  BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('postern partition ${s}', 0));
    IF EXISTS (SELECT 1 FROM ${s}.partition AS known WHERE known.number = make_partition_1.number) THEN RETURN; END IF;
    INSERT INTO ${s}.partition VALUES (number);
    FOR part IN
      SELECT name, name || '_' || make_partition_1.number AS child, size
      FROM (VALUES ('event', ${PARTITION_EVENTS}::bigint), ('finished', ${PARTITION_EVENTS * SLOTS}), ('attempt', ${PARTITION_EVENTS * SLOTS})) AS parts (name, size)
    LOOP
      EXECUTE format('CREATE TABLE ${s}.%I (LIKE ${s}.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', part.child, part.name);
      EXECUTE format('ALTER TABLE ${s}.%I ATTACH PARTITION ${s}.%I FOR VALUES FROM (%s) TO (%s)',
        part.name, part.child, number * part.size, (number + 1) * part.size);
    END LOOP;
  EXCEPTION WHEN check_violation THEN
    INSERT INTO ${s}.partition VALUES (number);
  END $$;

  -- Drops the oldest partition if all of it came before a time, but for what is not done: that moves to the rest. Answers how many
  -- events went; and below which number rows are to be deleted one by one, since the others wait for their partition to be dropped.
  CREATE FUNCTION ${s}.drop_partition_1(before_ms bigint, wait_ms bigint, OUT events bigint, OUT rows_below bigint) LANGUAGE plpgsql AS $$
  DECLARE
    oldest  bigint := (SELECT min(number) FROM ${s}.partition);
    first   bigint := oldest * ${PARTITION_EVENTS};
    past    bigint := (oldest + 1) * ${PARTITION_EVENTS};
    times   record;
    kept    bigint[];
    foreign_deliveries bigint[];
    kept_deliveries bigint[];
    part    record;
  BEGIN
    events := 0;
    rows_below := 9223372036854775807;
    IF past > (SELECT last_value FROM ${s}.number) THEN RETURN; END IF;
    -- It could not be made.
    IF to_regclass('${s}.event_' || oldest) IS NULL THEN
      DELETE FROM ${s}.partition WHERE number = oldest;
      RETURN;
    END IF;
    EXECUTE format('SELECT min(received_ms) AS oldest_ms, max(received_ms) AS newest_ms FROM ${s}.%I', 'event_' || oldest) INTO times;
    IF times.newest_ms >= before_ms THEN
      IF times.newest_ms - times.oldest_ms < wait_ms THEN rows_below := first; END IF;
      RETURN;
    END IF;
    EXECUTE format('SELECT count(*) FROM ${s}.%I', 'event_' || oldest) INTO events;

    -- From here on nobody reads or writes events. A statement of its own, so that the next ones see what it has waited for.
    LOCK TABLE ${s}.event, ${s}.finished, ${s}.attempt IN ACCESS EXCLUSIVE MODE;
    kept := ARRAY(
      SELECT event_seq FROM ${s}.delivery WHERE seq >= first * ${SLOTS} AND seq < past * ${SLOTS} AND event_seq >= first
      UNION
      SELECT further.event_seq FROM ${s}.further_delivery AS further,
             LATERAL (SELECT FROM ${s}.delivery WHERE seq = delivery_seq OFFSET 0) AS delivery
      WHERE further.event_seq >= first AND further.event_seq < past);
    -- Replays, numbered within this partition, of older events that are still kept.
    foreign_deliveries := ARRAY(
      SELECT delivery_seq FROM ${s}.further_delivery WHERE event_seq < first AND delivery_seq >= first * ${SLOTS} AND delivery_seq < past * ${SLOTS});
    IF cardinality(kept) + cardinality(foreign_deliveries) > ${MOST_MOVED} THEN
      events := 0;
      RETURN;
    END IF;
    kept_deliveries := foreign_deliveries || ARRAY(SELECT event_seq * ${SLOTS} + slot FROM unnest(kept) AS event_seq, generate_series(0, ${SLOTS - 1}) AS slot)
      || ARRAY(SELECT delivery_seq FROM ${s}.further_delivery WHERE event_seq = ANY (kept));
    FOR part IN
      SELECT name, name || '_' || oldest AS child, key, keeps
      FROM (VALUES ('event', 'seq', kept), ('finished', 'seq', kept_deliveries), ('attempt', 'delivery_seq', kept_deliveries)) AS parts (name, key, keeps)
    LOOP
      EXECUTE format('ALTER TABLE ${s}.%I DETACH PARTITION ${s}.%I', part.name, part.child);
      EXECUTE format('INSERT INTO ${s}.%I SELECT * FROM ${s}.%I WHERE %I = ANY ($1)', part.name, part.child, part.key) USING part.keeps;
      EXECUTE format('DROP TABLE ${s}.%I', part.child);
    END LOOP;
    DELETE FROM ${s}.partition WHERE number = oldest;
    events := events - cardinality(kept);
    rows_below := past;
  END $$;
  `
}
