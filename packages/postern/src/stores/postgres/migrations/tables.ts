/**
 * Deliveries of an event that is recorded now are numbered after it: event 7 has the deliveries 448 to 511. So they are
 * found by their primary key, without an index over event numbers that each of their updates would have to write.
 */
export const SLOTS = 64

/**
 * Events in one partition. A million fill in half an hour at 600 a second; an inbox that takes longer than a day for them has
 * its old rows deleted one by one.
 */
export const PARTITION_EVENTS: number = 2 ** 20

/**
 * The inbox as tables. Times are milliseconds since the epoch, by the server's clock. Texts are compared by their bytes
 * ("C"): the order of the small state must not depend on the system's locale.
 */
export function tables(s: string): string {
  return `
  -- Of events, and of deliveries that are made later. CACHE 1, the default: a number drawn under a lane's lock is then higher
  -- than all before it in that lane.
  CREATE SEQUENCE ${s}.number;

  -- Never updated. Partitioned by number, which is by age, so that retention drops tables and leaves nothing to vacuum.
  CREATE TABLE ${s}.event (
    seq            bigint PRIMARY KEY,
    received_ms    bigint NOT NULL,
    created_ms     bigint,
    conflicts_with bigint,
    tenant         text NOT NULL,
    source         text NOT NULL,
    id             text NOT NULL,
    type           text NOT NULL,
    ordering_key   text,
    verified_by    text NOT NULL,
    on_dead        text,
    headers        text NOT NULL,
    body           bytea NOT NULL
  ) PARTITION BY RANGE (seq);
  CREATE INDEX event_by_age   ON ${s}.event (received_ms, seq);
  CREATE INDEX event_conflict ON ${s}.event (seq) WHERE conflicts_with IS NOT NULL;

  -- Deliveries that are done: succeeded, or cancelled. What succeeded keeps its last attempt in its own row.
  CREATE TABLE ${s}.finished (
    seq         bigint PRIMARY KEY,
    event_seq   bigint NOT NULL,
    due_ms      bigint NOT NULL,
    ended_ms    bigint,
    duration_ms bigint,
    token       bigint NOT NULL,
    lane        uuid,
    attempt     integer NOT NULL,
    destination text NOT NULL,
    -- As in delivery, a check: who lists one state reads only the table that can hold it.
    state       text NOT NULL CHECK (state IN ('succeeded', 'cancelled')),
    error       text
  ) PARTITION BY RANGE (seq);
  CREATE INDEX finished_cancelled ON ${s}.finished (seq) WHERE state = 'cancelled';

  -- Attempts that did not succeed. By token: a redriven delivery counts from 1 again, perhaps in the same millisecond.
  CREATE TABLE ${s}.attempt (
    delivery_seq bigint NOT NULL,
    token        bigint NOT NULL,
    ended_ms     bigint NOT NULL,
    duration_ms  bigint NOT NULL,
    number       integer NOT NULL,
    outcome      text NOT NULL,
    error        text,
    PRIMARY KEY (delivery_seq, token)
  ) PARTITION BY RANGE (delivery_seq);

  CREATE TABLE ${s}.partition (number bigint PRIMARY KEY);
  -- What has no partition of its own: what was not done when its partition was dropped, and what came before one was made.
  CREATE TABLE ${s}.event_rest    PARTITION OF ${s}.event    DEFAULT;
  CREATE TABLE ${s}.finished_rest PARTITION OF ${s}.finished DEFAULT;
  CREATE TABLE ${s}.attempt_rest  PARTITION OF ${s}.attempt  DEFAULT;

  -- Deliveries that are not done: pending, leased or dead. As small as the backlog, however long the history.
  CREATE TABLE ${s}.delivery (
    seq         bigint PRIMARY KEY,
    event_seq   bigint NOT NULL,
    made_ms     bigint NOT NULL,
    due_ms      bigint NOT NULL,
    -- When it can be claimed: due, or where it is leased, when the lease ends. Null where it is dead, or another of its
    -- lane comes first.
    at_ms       bigint,
    token       bigint NOT NULL DEFAULT 0,
    -- The lane it belongs to, and the same while it stands in that lane's line: pending, leased, or dead and in the way.
    lane        uuid,
    open_lane   uuid,
    attempt     integer NOT NULL DEFAULT 0,
    -- Of its event: a claim adds them up, and need not look at the events before it leases.
    body_bytes  integer NOT NULL,
    state       text NOT NULL CHECK (state IN ('pending', 'leased', 'dead')),
    destination text NOT NULL,
    error       text
  ) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000);
  CREATE INDEX delivery_pending   ON ${s}.delivery (destination, at_ms, seq) WHERE state = 'pending' AND at_ms IS NOT NULL;
  CREATE INDEX delivery_leased    ON ${s}.delivery (destination, at_ms, seq) WHERE state = 'leased' AND at_ms IS NOT NULL;
  CREATE INDEX delivery_dead      ON ${s}.delivery (destination, seq)        WHERE state = 'dead';
  CREATE INDEX delivery_open      ON ${s}.delivery (open_lane, seq)          WHERE open_lane IS NOT NULL;
  CREATE INDEX delivery_lane_dead ON ${s}.delivery (lane)                    WHERE state = 'dead' AND lane IS NOT NULL;
  -- One of a lane can be claimed, or runs: what the order of each key hangs on, kept by the server itself.
  CREATE UNIQUE INDEX delivery_turn ON ${s}.delivery (lane) WHERE lane IS NOT NULL AND at_ms IS NOT NULL;

  -- Deliveries whose number does not follow from their event's: replays, and those beyond an event's slots.
  CREATE TABLE ${s}.further_delivery (
    event_seq    bigint NOT NULL,
    delivery_seq bigint NOT NULL,
    PRIMARY KEY (event_seq, delivery_seq)
  );

  -- One ordering key at one destination. Whoever moves a delivery of its line, but for a claim, holds its row.
  CREATE TABLE ${s}.lane (
    -- A digest of its name: an index row holds no more than 2,704 bytes, and an ordering key may be longer.
    key              uuid PRIMARY KEY,
    on_dead          text NOT NULL,
    -- The highest number that was ever settled.
    last_settled_seq bigint NOT NULL DEFAULT 0,
    -- Written by every put, so that a transaction with an older snapshot cannot pass over what has joined the line since.
    puts             bigint NOT NULL DEFAULT 1
  ) WITH (fillfactor = 50);

  -- Unpartitioned: a unique key on a partitioned table must include what it is partitioned by. 128 bits of the keys, and of
  -- the body's SHA-256.
  CREATE TABLE ${s}.dedupe (
    key        uuid PRIMARY KEY,
    digest     uuid NOT NULL,
    event_seq  bigint NOT NULL,
    expires_ms bigint NOT NULL
  );
  CREATE INDEX dedupe_by_expiry ON ${s}.dedupe (expires_ms);

  -- Copies that came after the first. Few events have any.
  CREATE TABLE ${s}.duplicate (
    event_seq bigint PRIMARY KEY,
    copies    bigint NOT NULL
  );

  CREATE TABLE ${s}.rejected (
    seq         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key         uuid NOT NULL UNIQUE,
    received_ms bigint NOT NULL,
    body_bytes  bigint NOT NULL,
    copies      bigint NOT NULL DEFAULT 1,
    budget      text NOT NULL,
    source      text NOT NULL,
    reason      text NOT NULL,
    method      text NOT NULL,
    url         text NOT NULL,
    headers     text NOT NULL,
    body        bytea NOT NULL
  );
  CREATE INDEX rejected_by_budget ON ${s}.rejected (budget, seq);

  CREATE TABLE ${s}.state (
    key        text COLLATE "C" PRIMARY KEY,
    value      text NOT NULL,
    expires_ms bigint
  );

  -- Every delivery, done or not.
  CREATE VIEW ${s}.every_delivery AS
    SELECT seq, event_seq, destination, state, due_ms, CASE WHEN state = 'leased' THEN at_ms END AS lease_until_ms, token, attempt,
           error, lane, state = 'dead' AND open_lane IS NOT NULL AS blocks, NULL::bigint AS ended_ms, NULL::bigint AS duration_ms
    FROM ${s}.delivery
    UNION ALL
    SELECT seq, event_seq, destination, state, due_ms, NULL, token, attempt, error, lane, false, ended_ms, duration_ms
    FROM ${s}.finished;
  `
}
