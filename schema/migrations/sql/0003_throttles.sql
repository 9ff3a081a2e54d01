-- How often something may be tried, for all processes together and over their restarts. Each row is a bucket that holds some tries and
-- lets one drip out every so many seconds, so one moment tells how full it is: when it will be empty. Source: the generic cell rate
-- algorithm of ITU-T I.371.
CREATE TABLE throttles (
    rule text NOT NULL,
    -- A hash, so a row is small whatever was tried, and a copy of this table names nobody.
    key bytea NOT NULL CONSTRAINT throttle_key_is_a_sha256 CHECK (octet_length(key) = 32),
    empty_at timestamptz NOT NULL,
    CONSTRAINT throttles_pkey PRIMARY KEY (rule, key)
);

CREATE INDEX throttles_by_their_end ON throttles (empty_at);

-- Puts one try into each of these buckets, or into none when one of them is full. Returns the seconds to wait, 0 when it was counted.
-- Who has to wait is told so without a write, so a flood of them is reads.
-- Each bucket takes `most` tries at once and gets room for another every `each` seconds. None is given twice.
CREATE FUNCTION take_turn(rules text[], keys bytea[], each double precision[], most integer[]) RETURNS double precision
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    -- A microsecond is PostgreSQL's grain of time; sums of them are not exact.
    a_moment CONSTANT double precision := 0.001;
    -- More than one try adds, so that what is over goes by itself.
    swept CONSTANT integer := 20;
    seconds_to_wait double precision;
BEGIN
    SELECT max(extract(epoch FROM greatest(held.empty_at, now()) - now()) + wanted.each * (1 - wanted.most)) INTO seconds_to_wait
    FROM unnest(rules, keys, take_turn.each, take_turn.most) AS wanted (rule, key, each, most) JOIN throttles AS held USING (rule, key);
    IF seconds_to_wait > a_moment THEN
        RETURN seconds_to_wait;
    END IF;

    -- In the order of their keys, so that two who want the same never wait for each other.
    WITH counted AS (
        INSERT INTO throttles AS held (rule, key, empty_at)
        SELECT wanted.rule, wanted.key, now() + make_interval(secs => wanted.each)
        FROM unnest(rules, keys, take_turn.each) AS wanted (rule, key, each) ORDER BY wanted.rule, wanted.key
        ON CONFLICT ON CONSTRAINT throttles_pkey
            DO UPDATE SET empty_at = greatest(held.empty_at, now()) + (excluded.empty_at - now())
        RETURNING held.rule, held.key, held.empty_at
    )
    SELECT max(extract(epoch FROM counted.empty_at - now()) - wanted.each * wanted.most) INTO seconds_to_wait
    FROM unnest(rules, keys, take_turn.each, take_turn.most) AS wanted (rule, key, each, most) JOIN counted USING (rule, key);
    IF seconds_to_wait > a_moment THEN
        -- Others were counted between the look and our turn: ours comes out of all of them again.
        UPDATE throttles AS held SET empty_at = held.empty_at - make_interval(secs => wanted.each)
        FROM unnest(rules, keys, take_turn.each) AS wanted (rule, key, each) WHERE (held.rule, held.key) = (wanted.rule, wanted.key);
        RETURN seconds_to_wait;
    END IF;

    DELETE FROM throttles WHERE (rule, key) IN (
        SELECT over.rule, over.key FROM throttles AS over WHERE over.empty_at < now() ORDER BY over.empty_at LIMIT swept
        FOR UPDATE SKIP LOCKED
    );
    RETURN 0;
END $$;

GRANT SELECT, INSERT, UPDATE, DELETE ON throttles TO payment_system;
