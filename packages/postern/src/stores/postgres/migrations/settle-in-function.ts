import { PLANNED_ONCE } from './shared-functions.ts'

/** What runs in a transaction that the user has opened. It takes whole numbers only, so that they can stand in the statement. */
export function settleInFunctions(s: string): string {
  return `
  -- "elsewhere" where this is not the transaction that was asked for its number: then there is none but the statement's own.
  CREATE FUNCTION ${s}.settle_in_1(xact numeric, seq bigint, token bigint, duration_ms bigint, offset_ms bigint)
  RETURNS text LANGUAGE plpgsql AS $$
  DECLARE
    settled record;
  BEGIN
    IF pg_current_xact_id()::text <> xact::text THEN RETURN 'elsewhere'; END IF;
    SELECT * FROM ${s}.settle_1(ARRAY[seq], ARRAY[token], ARRAY['succeeded'], ARRAY[0::bigint], ARRAY[NULL::text], ARRAY[duration_ms],
      offset_ms) INTO settled;
    RETURN CASE WHEN settled.places = '[]' THEN 'lost' WHEN settled.brings_work THEN 'brings work' ELSE 'settled' END;
  END $$;

  -- The places in the arrays of leases that ended with success.
  CREATE FUNCTION ${s}.have_succeeded_1(seqs bigint[], tokens bigint[]) RETURNS text LANGUAGE plpgsql STABLE ${PLANNED_ONCE} AS $$
  BEGIN
    RETURN array_to_json(ARRAY(
      SELECT place FROM unnest(seqs, tokens) WITH ORDINALITY AS u (seq, token, place), LATERAL (
        SELECT FROM ${s}.finished WHERE seq = u.seq AND token = u.token AND state = 'succeeded' OFFSET 0) AS finished));
  END $$;

  -- Makes the transaction one that can only be rolled back.
  CREATE FUNCTION ${s}.lease_lost_1() RETURNS void LANGUAGE plpgsql AS $$
  BEGIN
    RAISE 'postern: the lease of the delivery is lost; this transaction can only be rolled back' USING ERRCODE = 'PST02';
  END $$;
  `
}
