/**
 * The inbox as tables. Each migration is applied once, in order, inside one transaction; `user_version` counts them.
 * A migration that has been released is never edited.
 */
export const MIGRATIONS: readonly string[] = [
  `
  -- What the dedupe index reads at the start comes first: a row is read only as far as its last column asked for.
  CREATE TABLE event (
    seq            INTEGER PRIMARY KEY AUTOINCREMENT,
    dedupe_key     BLOB NOT NULL,
    guard_key      BLOB,
    digest         BLOB NOT NULL,
    expires_ms     INTEGER NOT NULL,
    tenant         TEXT NOT NULL,
    source         TEXT NOT NULL,
    id             TEXT NOT NULL,
    type           TEXT NOT NULL,
    created_ms     INTEGER,
    received_ms    INTEGER NOT NULL,
    ordering_key   TEXT,
    verified_by    TEXT NOT NULL,
    conflicts_with INTEGER,
    on_dead        TEXT,
    headers        TEXT NOT NULL,
    body           BLOB NOT NULL
  ) STRICT;
  CREATE INDEX event_by_age ON event (received_ms);
  CREATE INDEX event_conflict ON event (seq) WHERE conflicts_with IS NOT NULL;

  -- Apart from events: an id is remembered for its window, whether or not the event is still kept.
  -- The keys of events after dedupe_state.through_seq are not here yet; see dedupe-index.ts and generations.ts.
  CREATE TABLE dedupe (
    generation INTEGER NOT NULL,
    key        BLOB NOT NULL,
    event_seq  INTEGER NOT NULL,
    digest     BLOB NOT NULL,
    expires_ms INTEGER NOT NULL,
    PRIMARY KEY (generation, key)
  ) STRICT, WITHOUT ROWID;
  -- The newest one is open. Keys are those ever written; soonest_expires_ms is never later than the first to expire.
  CREATE TABLE dedupe_generation (
    generation         INTEGER PRIMARY KEY,
    keys               INTEGER NOT NULL DEFAULT 0,
    soonest_expires_ms INTEGER NOT NULL DEFAULT ${Number.MAX_SAFE_INTEGER}
  ) STRICT;
  INSERT INTO dedupe_generation (generation) VALUES (1);
  -- None where no key of the generation needs one yet; see generations.ts.
  CREATE TABLE dedupe_filter (
    generation INTEGER PRIMARY KEY,
    bits       BLOB NOT NULL
  ) STRICT;
  -- changes counts what other processes must read again: filters, and which generations there are.
  CREATE TABLE dedupe_state (
    through_seq INTEGER NOT NULL,
    changes     INTEGER NOT NULL
  ) STRICT;
  INSERT INTO dedupe_state VALUES (0, 0);

  -- Copies that came after the first. Few events have any.
  CREATE TABLE duplicate (
    event_seq INTEGER PRIMARY KEY,
    copies    INTEGER NOT NULL
  ) STRICT;

  -- AUTOINCREMENT: a number used again would let an old lease settle a new delivery.
  CREATE TABLE delivery (
    seq            INTEGER PRIMARY KEY AUTOINCREMENT,
    event_seq      INTEGER NOT NULL,
    destination    TEXT NOT NULL,
    state          TEXT NOT NULL,
    made_ms        INTEGER NOT NULL,
    due_ms         INTEGER NOT NULL,
    lease_until_ms INTEGER,
    token          INTEGER NOT NULL DEFAULT 0,
    attempt        INTEGER NOT NULL DEFAULT 0,
    error          TEXT,
    -- The lane it belongs to, and the same while it stands in that lane's line: pending, leased, or dead and in the way.
    lane           INTEGER,
    open_lane      INTEGER
  ) STRICT;
  -- Partial, so that what is done costs nothing: claim stays as fast on the billionth event.
  CREATE INDEX delivery_pending   ON delivery (destination, due_ms, seq)    WHERE state = 'pending' AND lane IS NULL;
  CREATE INDEX delivery_leased    ON delivery (destination, lease_until_ms) WHERE state = 'leased' AND lane IS NULL;
  CREATE INDEX delivery_dead      ON delivery (destination, seq)            WHERE state = 'dead';
  CREATE INDEX delivery_open      ON delivery (open_lane, seq)              WHERE open_lane IS NOT NULL;
  CREATE INDEX delivery_lane_dead ON delivery (lane)                        WHERE state = 'dead' AND lane IS NOT NULL;
  CREATE INDEX delivery_of        ON delivery (event_seq);

  -- One ordering key at one destination. Claim looks at lanes and not at their lines: 100,000 waiting behind one key cost
  -- it nothing.
  CREATE TABLE lane (
    seq              INTEGER PRIMARY KEY,
    destination      TEXT NOT NULL,
    tenant           TEXT NOT NULL,
    source           TEXT NOT NULL,
    ordering_key     TEXT NOT NULL,
    on_dead          TEXT NOT NULL,
    -- The delivery that runs next, or is running; null where none waits.
    head_seq         INTEGER,
    -- When the head can be claimed; null where it is dead and blocks the lane.
    due_ms           INTEGER,
    leased           INTEGER NOT NULL DEFAULT 0,
    last_claimed_seq INTEGER NOT NULL DEFAULT 0,
    UNIQUE (destination, tenant, source, ordering_key)
  ) STRICT;
  CREATE INDEX lane_due     ON lane (destination, leased, due_ms, head_seq) WHERE due_ms IS NOT NULL;
  CREATE INDEX lane_blocked ON lane (destination)                           WHERE head_seq IS NOT NULL AND due_ms IS NULL;
  CREATE INDEX lane_idle    ON lane (seq)                                   WHERE head_seq IS NULL;

  -- By token: a redriven delivery counts from 1 again, perhaps in the same millisecond.
  CREATE TABLE attempt (
    delivery_seq INTEGER NOT NULL,
    token        INTEGER NOT NULL,
    number       INTEGER NOT NULL,
    ended_ms     INTEGER NOT NULL,
    duration_ms  INTEGER NOT NULL,
    outcome      TEXT NOT NULL,
    error        TEXT,
    PRIMARY KEY (delivery_seq, token)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE rejected (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    key         BLOB NOT NULL UNIQUE,
    received_ms INTEGER NOT NULL,
    source      TEXT NOT NULL,
    reason      TEXT NOT NULL,
    method      TEXT NOT NULL,
    url         TEXT NOT NULL,
    headers     TEXT NOT NULL,
    body        BLOB NOT NULL,
    body_bytes  INTEGER NOT NULL,
    budget      TEXT NOT NULL,
    copies      INTEGER NOT NULL DEFAULT 1
  ) STRICT;
  CREATE INDEX rejected_by_budget ON rejected (budget, seq);

  CREATE TABLE state (
    key        TEXT PRIMARY KEY,
    value      TEXT NOT NULL,
    expires_ms INTEGER
  ) STRICT, WITHOUT ROWID;
  `,
]
