-- The database after all migrations, for readers. Nothing runs this file: schema/migrations makes the tables.
-- Made by `flask schema export --tables`; a test compares the two.

CREATE SCHEMA ledger;

CREATE TYPE ledger.group_posting AS (
	ordinal integer,
	status text,
	transfer_id uuid,
	amount bigint,
	source_balance bigint,
	source_number bigint,
	destination_number bigint,
	refundable bigint,
	created_at timestamp with time zone
);

CREATE TYPE ledger.posting AS (
	status text,
	transfer_id uuid,
	amount bigint,
	source_balance bigint,
	source_number bigint,
	destination_number bigint,
	refundable bigint,
	created_at timestamp with time zone
);

CREATE TABLE ledger.transfers (
    id uuid NOT NULL,
    kind text NOT NULL,
    source bigint NOT NULL,
    destination bigint NOT NULL,
    amount bigint NOT NULL,
    memo text,
    refund_of uuid,
    source_number bigint NOT NULL,
    destination_number bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    refunds_the_rest boolean,
    CONSTRAINT only_a_refund_names_a_payment CHECK (((kind = 'refund'::text) = (refund_of IS NOT NULL))),
    CONSTRAINT transfer_amount_is_positive CHECK ((amount > 0)),
    CONSTRAINT transfer_has_two_accounts CHECK ((source <> destination)),
    CONSTRAINT transfer_kind_is_known CHECK ((kind = ANY (ARRAY['payment'::text, 'refund'::text, 'issue'::text, 'redeem'::text]))),
    CONSTRAINT transfer_memo_has_a_limit CHECK (((length(memo) >= 1) AND (length(memo) <= 200)))
);

CREATE FUNCTION ledger.answer_again(wanted ledger.transfers) RETURNS ledger.posting
    LANGUAGE plpgsql STABLE
    SET search_path TO 'ledger', 'pg_temp'
    AS $$
DECLARE
    first transfers;
    answer posting;
BEGIN
    SELECT * INTO first FROM transfers WHERE id = wanted.id AND source = wanted.source;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    IF (first.kind, first.destination, first.memo, first.refund_of)
        IS DISTINCT FROM (wanted.kind, wanted.destination, wanted.memo, wanted.refund_of)
        OR first.amount <> wanted.amount -- a refund of all that is left wants no certain amount (NULL)
        OR first.refunds_the_rest <> wanted.refunds_the_rest -- NULL of an older refund: nobody knows how it was given
    THEN
        answer.status := 'key_reused';
        RETURN answer;
    END IF;
    answer := ROW('replayed', first.id, first.amount,
        (SELECT balance_after FROM entries WHERE account_id = first.source AND number = first.source_number),
        first.source_number, first.destination_number, NULL, first.created_at);
    RETURN answer;
END $$;

CREATE FUNCTION ledger.entry_number_at(of_account bigint, moment timestamp with time zone) RETURNS bigint
    LANGUAGE plpgsql STABLE
    SET search_path TO 'ledger', 'pg_temp'
    AS $$
DECLARE
    low bigint := 0; -- entry `low` is at or before the moment, or 0
    high bigint := (SELECT entry_count + 1 FROM accounts WHERE id = of_account); -- entry `high` is after it, or beyond the last
    middle bigint;
BEGIN
    WHILE high - low > 1 LOOP
        middle := (low + high) / 2;
        IF (SELECT created_at <= moment FROM entries WHERE account_id = of_account AND number = middle) THEN
            low := middle;
        ELSE
            high := middle;
        END IF;
    END LOOP;
    RETURN low;
END $$;

CREATE FUNCTION ledger.issuance_account(of_currency text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'ledger', 'pg_temp'
    AS $$
DECLARE
    found_id bigint := (SELECT id FROM accounts WHERE kind = 'issuance' AND currency = of_currency);
BEGIN
    IF found_id IS NULL THEN
        INSERT INTO accounts (kind, currency) VALUES ('issuance', of_currency) ON CONFLICT DO NOTHING;
        found_id := (SELECT id FROM accounts WHERE kind = 'issuance' AND currency = of_currency);
    END IF;
    RETURN found_id;
END $$;

CREATE FUNCTION ledger.open_account(new_currency text) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'ledger', 'pg_temp'
    AS $$
    INSERT INTO accounts (kind, currency) VALUES ('wallet', new_currency) RETURNING id;
$$;

CREATE FUNCTION ledger.post_transfer(transfer_id uuid, kind text, source bigint, destination bigint, amount bigint, memo text DEFAULT NULL::text, refund_of uuid DEFAULT NULL::uuid, refunds_the_rest boolean DEFAULT NULL::boolean, despite_freeze boolean DEFAULT false) RETURNS ledger.posting
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'ledger', 'pg_temp'
    AS $$
#variable_conflict use_column
DECLARE
    payer accounts;
    payee accounts;
    locked accounts;
    wanted transfers := ROW(transfer_id, kind, source, destination, amount, memo, refund_of, 0, 0, NULL, refunds_the_rest);
    answer posting;
BEGIN
    FOR locked IN
        SELECT * FROM accounts WHERE id IN (post_transfer.source, post_transfer.destination) ORDER BY id FOR NO KEY UPDATE
    LOOP
        IF locked.id = wanted.source THEN payer := locked; ELSE payee := locked; END IF;
    END LOOP;

    answer.status := refusal(kind, payer.kind, payee.kind, payer.currency, payee.currency, payer.status, payee.status,
        payer.balance, payee.balance, wanted.amount, despite_freeze);
    IF answer.status IS NULL THEN
        -- The clock is read under the locks. Where it was set back, time stands still until it has come to the last entry of both.
        wanted.source_number := payer.entry_count + 1;
        wanted.destination_number := payee.entry_count + 1;
        wanted.created_at := greatest(clock_timestamp(), payer.last_entry_at, payee.last_entry_at);
        IF payer.last_entry_at IS NULL OR payee.last_entry_at IS NULL THEN
            wanted.created_at := greatest(wanted.created_at, (SELECT max(created_at) FROM entries
                WHERE (account_id, number) IN ((payer.id, payer.entry_count), (payee.id, payee.entry_count))));
        END IF;
        WITH stored AS (INSERT INTO transfers SELECT wanted.* ON CONFLICT DO NOTHING RETURNING id)
        INSERT INTO entries (account_id, number, transfer_id, amount, balance_after, created_at)
        SELECT leg.account_id, leg.number, stored.id, leg.amount, leg.balance_after, wanted.created_at FROM stored CROSS JOIN (VALUES
            (wanted.source, wanted.source_number, -wanted.amount, payer.balance - wanted.amount),
            (wanted.destination, wanted.destination_number, wanted.amount, payee.balance + wanted.amount)
        ) AS leg (account_id, number, amount, balance_after);
    END IF;
    IF answer.status IS NOT NULL OR NOT FOUND THEN
        -- An id that is stored answers its payer as it did, also when what it did could not be done again now. Anybody else learns that
        -- it is stored only where their money would have moved: a new id moves it, so nobody can look for ids without paying.
        RETURN CASE WHEN again.status IS NULL THEN
            ROW(coalesce(answer.status, 'key_reused'), NULL, wanted.amount, payer.balance, NULL, NULL, NULL, NULL)::posting ELSE again END
            FROM answer_again(wanted) AS again;
    END IF;

    UPDATE accounts SET balance = balance - wanted.amount, entry_count = wanted.source_number,
        last_entry_at = wanted.created_at, ordered_from = coalesce(ordered_from, wanted.source_number)
    WHERE id = wanted.source;
    UPDATE accounts SET balance = balance + wanted.amount, entry_count = wanted.destination_number,
        last_entry_at = wanted.created_at, ordered_from = coalesce(ordered_from, wanted.destination_number)
    WHERE id = wanted.destination;
    RETURN ROW('posted', wanted.id, wanted.amount, payer.balance - wanted.amount,
        wanted.source_number, wanted.destination_number, NULL, wanted.created_at)::posting;
END $$;

CREATE FUNCTION ledger.post_transfers(ids uuid[], kind text, sources bigint[], destinations bigint[], amounts bigint[], memos text[], atomic boolean) RETURNS SETOF ledger.group_posting
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'ledger', 'pg_temp'
    AS $$
#variable_conflict use_column
DECLARE
    items CONSTANT integer := cardinality(ids);
    nothing CONSTANT bigint[] := array_fill(NULL::bigint, ARRAY[items]);
    moment timestamptz;
    -- One place for each account, in id order.
    account_ids bigint[];
    currencies text[];
    statuses text[];
    kinds text[];
    balances_before bigint[];
    entry_counts_before bigint[];
    balances bigint[];
    entry_counts bigint[];
    -- One place for each item.
    verdicts text[];
    source_balances bigint[];
    destination_balances bigint[];
    source_numbers bigint[];
    destination_numbers bigint[];
    posted_as integer[]; -- at the first item with an id: the `twin` of the item that was posted under it
    item record;
    verdict text;
    violated text;
BEGIN
    IF (items, items, items, items) IS DISTINCT FROM
        (cardinality(sources), cardinality(destinations), cardinality(amounts), cardinality(memos)) OR items > 10000
    THEN
        RAISE EXCEPTION 'a group is arrays of one length, at most 10000' USING ERRCODE = 'invalid_parameter_value';
    ELSIF items = 1 THEN -- the lean way costs half
        RETURN QUERY SELECT 1, posting.* FROM post_transfer(ids[1], kind, sources[1], destinations[1], amounts[1], memos[1]) AS posting;
        RETURN;
    END IF;

    SELECT array_agg(id), array_agg(currency), array_agg(status), array_agg(kind),
        array_agg(balance), array_agg(entry_count),
        max(coalesce(last_entry_at, (SELECT created_at FROM entries WHERE account_id = locked.id AND number = locked.entry_count)))
    INTO account_ids, currencies, statuses, kinds, balances_before, entry_counts_before, moment
    FROM (SELECT * FROM accounts WHERE id IN (SELECT DISTINCT unnest(sources || destinations)) ORDER BY id FOR NO KEY UPDATE) AS locked;
    moment := greatest(clock_timestamp(), moment); -- as in post_transfer

    LOOP
        balances := balances_before;
        entry_counts := entry_counts_before;
        verdicts := nothing;
        source_balances := nothing;
        destination_balances := nothing;
        source_numbers := nothing;
        destination_numbers := nothing;
        posted_as := nothing;
        FOR item IN
            WITH wanted AS (
                SELECT *, width_bucket(source, account_ids) AS payer, width_bucket(destination, account_ids) AS payee,
                    min(ordinal) OVER (PARTITION BY id)::integer AS first, -- items with one first have one id
                    min(ordinal) OVER (PARTITION BY id, source, destination, amount, memo)::integer AS twin -- with one twin, they are equal
                FROM unnest(ids, sources, destinations, amounts, memos) WITH ORDINALITY
                    AS given (id, source, destination, amount, memo, ordinal)
            )
            SELECT wanted.ordinal::integer, wanted.amount, wanted.first, wanted.twin,
                CASE WHEN account_ids[payer] = wanted.source THEN payer END AS payer,
                CASE WHEN account_ids[payee] = wanted.destination AND payee <> payer THEN payee END AS payee,
                CASE WHEN stored.id IS NULL THEN NULL
                    WHEN stored.source <> wanted.source THEN 'taken'
                    WHEN (stored.kind, stored.destination, stored.amount, stored.memo) IS NOT DISTINCT FROM
                        (post_transfers.kind, wanted.destination, wanted.amount, wanted.memo) THEN 'replayed'
                    ELSE 'key_reused' END AS verdict
            FROM wanted LEFT JOIN transfers AS stored ON stored.id = wanted.id
            ORDER BY wanted.ordinal
        LOOP
            verdict := CASE
                WHEN item.verdict <> 'taken' THEN item.verdict
                WHEN posted_as[item.first] = item.twin THEN 'replayed'
                WHEN sources[posted_as[item.first]] = sources[item.ordinal] THEN 'key_reused'
                ELSE coalesce(refusal(post_transfers.kind, kinds[item.payer], kinds[item.payee], currencies[item.payer],
                    currencies[item.payee], statuses[item.payer], statuses[item.payee], balances[item.payer], balances[item.payee],
                    item.amount, false), CASE WHEN item.verdict = 'taken' OR posted_as[item.first] IS NOT NULL THEN 'taken' ELSE 'posted' END)
                END;
            -- Of an atomic group those behind a taken item are judged as if it had moved: else what they are told would tell of it.
            IF verdict = 'posted' OR (verdict = 'taken' AND atomic) THEN
                posted_as[item.first] := item.twin;
                balances[item.payer] := balances[item.payer] - item.amount;
                balances[item.payee] := balances[item.payee] + item.amount;
                destination_balances[item.ordinal] := balances[item.payee];
                entry_counts[item.payer] := entry_counts[item.payer] + 1;
                entry_counts[item.payee] := entry_counts[item.payee] + 1;
                source_numbers[item.ordinal] := entry_counts[item.payer];
                destination_numbers[item.ordinal] := entry_counts[item.payee];
            END IF;
            source_balances[item.ordinal] := balances[item.payer];
            verdicts[item.ordinal] := verdict;
        END LOOP;
        -- Taken: it would be posted, were its id not stored as somebody else's. In an atomic group that is refused for another reason
        -- nothing would have moved, so nothing is told of whose the id is.
        verdicts := array_replace(verdicts, 'taken',
            CASE WHEN atomic AND NOT verdicts <@ ARRAY['posted', 'replayed', 'taken'] THEN 'held_back' ELSE 'key_reused' END);
        IF atomic AND NOT verdicts <@ ARRAY['posted', 'replayed'] THEN
            verdicts := array_replace(verdicts, 'posted', 'held_back');
        END IF;
        EXIT WHEN 'posted' <> ALL (verdicts);

        -- The same id for other accounts may be stored at this very moment, since no lock of ours keeps it out. Then nothing of
        -- this stays, and all is judged anew with that id in the books. In id order, so groups do not wait for ids in a circle.
        BEGIN
            WITH fine AS (
                SELECT * FROM unnest(ids, sources, destinations, amounts, memos, verdicts,
                    source_numbers, destination_numbers, source_balances, destination_balances)
                    AS item (id, source, destination, amount, memo, verdict,
                        source_number, destination_number, source_balance, destination_balance)
                WHERE verdict = 'posted'
            ), stored AS (
                INSERT INTO transfers
                SELECT id, post_transfers.kind, source, destination, amount, memo, NULL, source_number, destination_number, moment
                FROM fine ORDER BY id
            )
            INSERT INTO entries (account_id, number, transfer_id, amount, balance_after, created_at)
            SELECT leg.account_id, leg.number, fine.id, leg.amount, leg.balance_after, moment
            FROM fine CROSS JOIN LATERAL (VALUES
                (fine.source, fine.source_number, -fine.amount, fine.source_balance),
                (fine.destination, fine.destination_number, fine.amount, fine.destination_balance)
            ) AS leg (account_id, number, amount, balance_after);
            EXIT;
        EXCEPTION WHEN unique_violation THEN
            GET STACKED DIAGNOSTICS violated = CONSTRAINT_NAME;
            IF violated <> 'transfers_pkey' THEN
                RAISE;
            END IF;
        END;
    END LOOP;

    UPDATE accounts SET balance = moved.balance, entry_count = moved.entry_count, last_entry_at = moment,
        ordered_from = coalesce(accounts.ordered_from, accounts.entry_count + 1)
    FROM unnest(account_ids, balances, entry_counts) AS moved (id, balance, entry_count)
    WHERE 'posted' = ANY (verdicts) AND accounts.id = moved.id AND accounts.entry_count <> moved.entry_count;

    -- What an id answered before it answers again, be it stored long ago or by an item of this group.
    RETURN QUERY WITH answered AS MATERIALIZED (
        SELECT item.*, CASE WHEN item.verdict IN ('replayed', 'key_reused') THEN answer_again(
            ROW(item.id, post_transfers.kind, item.source, item.destination, item.amount, item.memo, NULL, 0, 0, NULL, NULL)) END AS again
        FROM unnest(ids, sources, destinations, amounts, memos, verdicts, source_balances, source_numbers, destination_numbers)
            WITH ORDINALITY AS item (id, source, destination, amount, memo, verdict,
                source_balance, source_number, destination_number, ordinal)
    )
    SELECT item.ordinal::integer, posting.*
    FROM answered AS item CROSS JOIN LATERAL (
        SELECT (item.again).* WHERE (item.again).status IS NOT NULL
        UNION ALL SELECT 'posted', item.id, item.amount, item.source_balance, item.source_number, item.destination_number, NULL, moment
            WHERE item.verdict = 'posted'
        -- An equal item of a group that is held back has no first one to repeat.
        UNION ALL SELECT CASE item.verdict WHEN 'replayed' THEN 'held_back' ELSE item.verdict END,
            NULL, item.amount, item.source_balance, NULL, NULL, NULL, NULL
            WHERE item.verdict <> 'posted' AND (item.again).status IS NULL
    ) AS posting
    ORDER BY item.ordinal;
END $$;

CREATE FUNCTION ledger.refund_transfer(refund_id uuid, payment_id uuid, refunder bigint, refund_amount bigint DEFAULT NULL::bigint, refund_memo text DEFAULT NULL::text, despite_freeze boolean DEFAULT false) RETURNS ledger.posting
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'ledger', 'pg_temp'
    AS $$
DECLARE
    payment transfers;
    wanted transfers;
    answer posting;
    refundable bigint;
BEGIN
    SELECT * INTO payment FROM transfers WHERE id = payment_id AND kind = 'payment' AND destination = refunder FOR UPDATE;
    IF NOT FOUND THEN
        answer.status := 'not_found';
        RETURN answer;
    END IF;
    wanted := ROW(refund_id, 'refund', payment.destination, payment.source, refund_amount, refund_memo, payment.id, 0, 0, NULL,
        refund_amount IS NULL);
    answer := answer_again(wanted);
    IF answer.status IS NOT NULL THEN
        RETURN answer;
    END IF;
    refundable := payment.amount - coalesce((SELECT sum(amount) FROM transfers WHERE refund_of = payment.id), 0);
    IF refundable = 0 OR refund_amount > refundable THEN
        answer.status := 'refund_too_large';
        answer.refundable := refundable;
        RETURN answer;
    END IF;
    RETURN post_transfer(wanted.id, wanted.kind, wanted.source, wanted.destination,
        coalesce(refund_amount, refundable), wanted.memo, wanted.refund_of, wanted.refunds_the_rest, despite_freeze);
END $$;

CREATE FUNCTION ledger.refusal(kind text, payer_kind text, payee_kind text, payer_currency text, payee_currency text, payer_status text, payee_status text, payer_balance bigint, payee_balance bigint, amount bigint, despite_freeze boolean) RETURNS text
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT CASE
        WHEN payer_kind IS NULL OR payee_kind IS NULL THEN 'unknown_account'
        WHEN payer_currency <> payee_currency THEN 'other_currency'
        WHEN (payer_kind = 'issuance') <> (kind = 'issue') OR (payee_kind = 'issuance') <> (kind = 'redeem') THEN 'wrong_kind'
        WHEN 'closed' IN (payer_status, payee_status) THEN 'closed'
        WHEN kind IN ('payment', 'refund') AND NOT despite_freeze AND (payer_status <> 'open' OR payee_status = 'frozen') THEN 'frozen'
        WHEN payer_kind = 'wallet' AND payer_balance < amount THEN 'insufficient_funds'
        WHEN payee_balance > 9223372036854775807 - amount OR payer_balance < amount - 9223372036854775807 THEN 'balance_too_large'
    END;
$$;

CREATE FUNCTION ledger.refuse_change_of_history() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION '% on %.% is refused: history is never changed', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE FUNCTION ledger.refuse_stray_entries() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'ledger', 'pg_temp'
    AS $$
DECLARE
    stray entries;
BEGIN
    SELECT entry.* INTO stray FROM new_entries AS entry LEFT JOIN transfers AS transfer ON transfer.id = entry.transfer_id
    WHERE (entry.account_id, entry.number, entry.amount)
            IS DISTINCT FROM (transfer.source, transfer.source_number, -transfer.amount)
        AND (entry.account_id, entry.number, entry.amount)
            IS DISTINCT FROM (transfer.destination, transfer.destination_number, transfer.amount)
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'entry % of account % belongs to no transfer', stray.number, stray.account_id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION ledger.refuse_unbalanced_transfer() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'ledger', 'pg_temp'
    AS $$
DECLARE
    unbalanced transfers;
BEGIN
    SELECT transfer.* INTO unbalanced FROM new_transfers AS transfer
        LEFT JOIN entries AS leaving ON (leaving.account_id, leaving.number) = (transfer.source, transfer.source_number)
        LEFT JOIN entries AS arriving ON (arriving.account_id, arriving.number) = (transfer.destination, transfer.destination_number)
    WHERE (leaving.transfer_id, leaving.amount, arriving.transfer_id, arriving.amount)
        IS DISTINCT FROM (transfer.id, -transfer.amount, transfer.id, transfer.amount)
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the entries of transfer % do not sum to zero', unbalanced.id USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    SELECT refund.* INTO unbalanced FROM new_transfers AS refund
    WHERE kind = 'refund' AND NOT EXISTS (SELECT FROM transfers AS payment WHERE id = refund.refund_of AND kind = 'payment'
        AND (source, destination) = (refund.destination, refund.source)
        AND amount >= (SELECT sum(amount) FROM transfers WHERE refund_of = refund.refund_of))
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'refund % is not of a payment, or exceeds it', unbalanced.id USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION ledger.set_status(of_account bigint, new_status text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'ledger', 'pg_temp'
    AS $$
BEGIN
    UPDATE accounts SET status = new_status
    WHERE id = of_account AND kind = 'wallet' AND status <> new_status AND 'closed' NOT IN (status, new_status);
    RETURN FOUND;
END $$;

CREATE FUNCTION public.close_account(closing_username text, despite_freeze boolean, neutral_username text, hash_of_nobody text) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    closing users;
    wallet ledger.accounts;
BEGIN
    SELECT * INTO closing FROM users WHERE username = closing_username AND closed_at IS NULL FOR UPDATE;
    IF NOT FOUND THEN
        RETURN 'unknown';
    END IF;
    -- Whoever pays this wallet now waits, and then finds it closed.
    SELECT * INTO wallet FROM ledger.accounts WHERE id = closing.account_id FOR NO KEY UPDATE;
    IF wallet.balance <> 0 THEN
        RETURN 'not_empty';
    ELSIF wallet.status <> 'open' AND NOT despite_freeze THEN
        RETURN 'frozen';
    END IF;
    UPDATE ledger.accounts SET status = 'closed' WHERE id = closing.account_id;
    UPDATE users SET username = neutral_username, display_name = 'Closed account', is_operator = false,
        password_hash = hash_of_nobody, closed_at = clock_timestamp() WHERE id = closing.id;
    DELETE FROM logins WHERE user_id = closing.id;
    DELETE FROM api_tokens WHERE user_id = closing.id;
    INSERT INTO retired_usernames (username_sha256) VALUES (sha256(convert_to(closing.username, 'UTF8')));
    RETURN 'closed';
END $$;

CREATE FUNCTION public.refuse_account_that_is_no_wallet() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'ledger', 'pg_temp'
    AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM accounts WHERE id = NEW.account_id AND kind = 'wallet') THEN
        RAISE EXCEPTION 'account % is not a wallet', NEW.account_id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION public.refuse_change_of_closed_account() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    RAISE EXCEPTION 'the account is closed' USING ERRCODE = 'serialization_failure';
END $$;

CREATE FUNCTION public.refuse_retired_username() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    IF EXISTS (SELECT FROM retired_usernames WHERE username_sha256 = sha256(convert_to(NEW.username, 'UTF8'))) THEN
        RAISE EXCEPTION 'the username is retired' USING ERRCODE = 'unique_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION public.refuse_way_into_closed_account() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    PERFORM FROM users WHERE id = NEW.user_id AND closed_at IS NULL FOR KEY SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the account is closed' USING ERRCODE = 'serialization_failure';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION public.take_turn(rules text[], keys bytea[], each double precision[], most integer[]) RETURNS double precision
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
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

CREATE TABLE ledger.accounts (
    id bigint NOT NULL,
    kind text NOT NULL,
    currency text NOT NULL,
    balance bigint DEFAULT 0 NOT NULL,
    entry_count bigint DEFAULT 0 NOT NULL,
    status text DEFAULT 'open'::text NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    last_entry_at timestamp with time zone,
    ordered_from bigint DEFAULT 1,
    CONSTRAINT account_currency_is_iso_4217 CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT account_entry_count_is_not_negative CHECK ((entry_count >= 0)),
    CONSTRAINT account_kind_is_known CHECK ((kind = ANY (ARRAY['wallet'::text, 'issuance'::text]))),
    CONSTRAINT account_status_is_known CHECK ((status = ANY (ARRAY['open'::text, 'frozen'::text, 'outgoing_frozen'::text, 'closed'::text]))),
    CONSTRAINT only_issuance_is_below_zero CHECK (((kind = 'issuance'::text) OR (balance >= 0)))
)
WITH (fillfactor='70');

ALTER TABLE ledger.accounts ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME ledger.accounts_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE ledger.entries (
    account_id bigint NOT NULL,
    number bigint NOT NULL,
    transfer_id uuid NOT NULL,
    amount bigint NOT NULL,
    balance_after bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT entry_moves_something CHECK ((amount <> 0)),
    CONSTRAINT entry_number_counts_from_one CHECK ((number >= 1))
);

CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);

CREATE TABLE public.api_tokens (
    id uuid NOT NULL,
    user_id bigint NOT NULL,
    name text NOT NULL,
    scopes text[] NOT NULL,
    token_sha256 bytea NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    last_used_at timestamp with time zone,
    CONSTRAINT api_token_is_a_sha256 CHECK ((octet_length(token_sha256) = 32)),
    CONSTRAINT token_name_has_a_limit CHECK (((length(name) >= 1) AND (length(name) <= 64))),
    CONSTRAINT token_scopes_are_known CHECK (((scopes <@ ARRAY['READ'::text, 'PAY'::text]) AND (cardinality(scopes) >= 1)))
);

CREATE TABLE public.logins (
    id uuid NOT NULL,
    user_id bigint NOT NULL,
    token_sha256 bytea NOT NULL,
    user_agent text,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    last_seen_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT login_token_is_a_sha256 CHECK ((octet_length(token_sha256) = 32)),
    CONSTRAINT user_agent_has_a_limit CHECK ((length(user_agent) <= 200))
);

CREATE TABLE public.repeatable_migrations (
    name text NOT NULL,
    text_sha256 bytea NOT NULL,
    definitions_sha256 bytea NOT NULL,
    ran_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT repeatable_definitions_are_a_sha256 CHECK ((octet_length(definitions_sha256) = 32)),
    CONSTRAINT repeatable_text_is_a_sha256 CHECK ((octet_length(text_sha256) = 32))
);

CREATE TABLE public.retired_usernames (
    username_sha256 bytea NOT NULL,
    retired_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT retired_username_is_a_sha256 CHECK ((octet_length(username_sha256) = 32))
);

CREATE TABLE public.throttles (
    rule text NOT NULL,
    key bytea NOT NULL,
    empty_at timestamp with time zone NOT NULL,
    CONSTRAINT throttle_key_is_a_sha256 CHECK ((octet_length(key) = 32))
);

CREATE TABLE public.users (
    id bigint NOT NULL,
    username text NOT NULL,
    display_name text NOT NULL,
    password_hash text NOT NULL,
    account_id bigint NOT NULL,
    joined_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    is_operator boolean DEFAULT false NOT NULL,
    closed_at timestamp with time zone,
    CONSTRAINT display_name_has_a_limit CHECK (((length(display_name) >= 1) AND (length(display_name) <= 64))),
    CONSTRAINT username_is_a_handle CHECK ((username ~ '^[a-z][a-z0-9_-]{2,31}$'::text))
);

ALTER TABLE public.users ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.users_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE ONLY ledger.accounts
    ADD CONSTRAINT accounts_pkey PRIMARY KEY (id);

ALTER TABLE ONLY ledger.entries
    ADD CONSTRAINT entries_pkey PRIMARY KEY (account_id, number);

ALTER TABLE ONLY ledger.transfers
    ADD CONSTRAINT transfers_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT an_account_has_one_owner UNIQUE (account_id);

ALTER TABLE ONLY public.api_tokens
    ADD CONSTRAINT api_token_is_unique UNIQUE (token_sha256);

ALTER TABLE ONLY public.api_tokens
    ADD CONSTRAINT api_tokens_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.logins
    ADD CONSTRAINT login_token_is_unique UNIQUE (token_sha256);

ALTER TABLE ONLY public.logins
    ADD CONSTRAINT logins_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.repeatable_migrations
    ADD CONSTRAINT repeatable_migrations_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.retired_usernames
    ADD CONSTRAINT retired_usernames_pkey PRIMARY KEY (username_sha256);

ALTER TABLE ONLY public.throttles
    ADD CONSTRAINT throttles_pkey PRIMARY KEY (rule, key);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT username_is_taken UNIQUE (username);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);

CREATE UNIQUE INDEX one_issuance_account_a_currency ON ledger.accounts USING btree (currency) WHERE (kind = 'issuance'::text);

CREATE INDEX refunds_of_a_payment ON ledger.transfers USING btree (refund_of) WHERE (refund_of IS NOT NULL);

CREATE INDEX api_tokens_of_a_user ON public.api_tokens USING btree (user_id);

CREATE INDEX logins_of_a_user ON public.logins USING btree (user_id);

CREATE INDEX throttles_by_their_end ON public.throttles USING btree (empty_at);

CREATE TRIGGER accounts_are_never_deleted BEFORE DELETE OR TRUNCATE ON ledger.accounts FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change_of_history();

CREATE TRIGGER entries_are_never_changed BEFORE DELETE OR UPDATE OR TRUNCATE ON ledger.entries FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change_of_history();

CREATE TRIGGER entries_belong_to_their_transfers AFTER INSERT ON ledger.entries REFERENCING NEW TABLE AS new_entries FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_stray_entries();

CREATE TRIGGER transfers_are_never_changed BEFORE DELETE OR UPDATE OR TRUNCATE ON ledger.transfers FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change_of_history();

CREATE TRIGGER transfers_have_their_entries AFTER INSERT ON ledger.transfers REFERENCING NEW TABLE AS new_transfers FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_unbalanced_transfer();

CREATE TRIGGER account_is_a_wallet BEFORE INSERT OR UPDATE OF account_id ON public.users FOR EACH ROW EXECUTE FUNCTION public.refuse_account_that_is_no_wallet();

CREATE TRIGGER closed_accounts_are_never_changed BEFORE UPDATE ON public.users FOR EACH ROW WHEN ((old.closed_at IS NOT NULL)) EXECUTE FUNCTION public.refuse_change_of_closed_account();

CREATE TRIGGER closed_accounts_have_no_login BEFORE INSERT ON public.logins FOR EACH ROW EXECUTE FUNCTION public.refuse_way_into_closed_account();

CREATE TRIGGER closed_accounts_have_no_token BEFORE INSERT ON public.api_tokens FOR EACH ROW EXECUTE FUNCTION public.refuse_way_into_closed_account();

CREATE TRIGGER usernames_are_given_once BEFORE INSERT ON public.users FOR EACH ROW EXECUTE FUNCTION public.refuse_retired_username();

ALTER TABLE ONLY public.api_tokens
    ADD CONSTRAINT api_tokens_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id);

ALTER TABLE ONLY public.logins
    ADD CONSTRAINT logins_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_account_id_fkey FOREIGN KEY (account_id) REFERENCES ledger.accounts(id);

GRANT USAGE ON SCHEMA ledger TO payment_system;

GRANT SELECT ON TABLE ledger.transfers TO payment_system;

REVOKE ALL ON FUNCTION ledger.answer_again(wanted ledger.transfers) FROM PUBLIC;

REVOKE ALL ON FUNCTION ledger.entry_number_at(of_account bigint, moment timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION ledger.entry_number_at(of_account bigint, moment timestamp with time zone) TO payment_system;

REVOKE ALL ON FUNCTION ledger.issuance_account(of_currency text) FROM PUBLIC;
GRANT ALL ON FUNCTION ledger.issuance_account(of_currency text) TO payment_system;

REVOKE ALL ON FUNCTION ledger.open_account(new_currency text) FROM PUBLIC;
GRANT ALL ON FUNCTION ledger.open_account(new_currency text) TO payment_system;

REVOKE ALL ON FUNCTION ledger.post_transfer(transfer_id uuid, kind text, source bigint, destination bigint, amount bigint, memo text, refund_of uuid, refunds_the_rest boolean, despite_freeze boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION ledger.post_transfer(transfer_id uuid, kind text, source bigint, destination bigint, amount bigint, memo text, refund_of uuid, refunds_the_rest boolean, despite_freeze boolean) TO payment_system;

REVOKE ALL ON FUNCTION ledger.post_transfers(ids uuid[], kind text, sources bigint[], destinations bigint[], amounts bigint[], memos text[], atomic boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION ledger.post_transfers(ids uuid[], kind text, sources bigint[], destinations bigint[], amounts bigint[], memos text[], atomic boolean) TO payment_system;

REVOKE ALL ON FUNCTION ledger.refund_transfer(refund_id uuid, payment_id uuid, refunder bigint, refund_amount bigint, refund_memo text, despite_freeze boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION ledger.refund_transfer(refund_id uuid, payment_id uuid, refunder bigint, refund_amount bigint, refund_memo text, despite_freeze boolean) TO payment_system;

REVOKE ALL ON FUNCTION ledger.refusal(kind text, payer_kind text, payee_kind text, payer_currency text, payee_currency text, payer_status text, payee_status text, payer_balance bigint, payee_balance bigint, amount bigint, despite_freeze boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION ledger.refuse_change_of_history() FROM PUBLIC;

REVOKE ALL ON FUNCTION ledger.refuse_stray_entries() FROM PUBLIC;

REVOKE ALL ON FUNCTION ledger.refuse_unbalanced_transfer() FROM PUBLIC;

REVOKE ALL ON FUNCTION ledger.set_status(of_account bigint, new_status text) FROM PUBLIC;
GRANT ALL ON FUNCTION ledger.set_status(of_account bigint, new_status text) TO payment_system;

REVOKE ALL ON FUNCTION public.close_account(closing_username text, despite_freeze boolean, neutral_username text, hash_of_nobody text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.close_account(closing_username text, despite_freeze boolean, neutral_username text, hash_of_nobody text) TO payment_system;

REVOKE ALL ON FUNCTION public.refuse_change_of_closed_account() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.refuse_retired_username() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.refuse_way_into_closed_account() FROM PUBLIC;

GRANT SELECT ON TABLE ledger.accounts TO payment_system;

GRANT SELECT ON TABLE ledger.entries TO payment_system;

GRANT SELECT ON TABLE public.alembic_version TO payment_system;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.api_tokens TO payment_system;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.logins TO payment_system;

GRANT SELECT ON TABLE public.repeatable_migrations TO payment_system;

GRANT SELECT ON TABLE public.retired_usernames TO payment_system;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.throttles TO payment_system;

GRANT SELECT,INSERT ON TABLE public.users TO payment_system;

GRANT UPDATE(display_name) ON TABLE public.users TO payment_system;

GRANT UPDATE(password_hash) ON TABLE public.users TO payment_system;

GRANT UPDATE(is_operator) ON TABLE public.users TO payment_system;
