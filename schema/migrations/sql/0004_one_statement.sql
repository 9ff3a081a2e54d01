-- A transfer and its two entries are written by one statement, and looked at all together when it ends. Before, each transfer was
-- looked at by itself when the transaction committed: a quarter of what a payment of many cost. PostgreSQL replaces functions whole, so
-- what 0001 and 0002 say of the rest of them stands here again.

-- Whoever moves money has looked at people first, in the same transaction: with this nobody is within a function whose text is about
-- to change, and whose insert of a transfer alone would be refused from now on. Who comes meanwhile waits, and enters the new one.
LOCK TABLE public.users IN ACCESS EXCLUSIVE MODE;

DROP TRIGGER transfer_entries_sum_to_zero ON ledger.transfers;

-- A transfer has its two entries, equal and opposite, and so they sum to zero; and a refund goes back the way of its payment, which
-- all its refunds together do not exceed.
CREATE OR REPLACE FUNCTION ledger.refuse_unbalanced_transfer() RETURNS trigger LANGUAGE plpgsql SET search_path = ledger, pg_temp AS $$
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

CREATE TRIGGER transfers_have_their_entries AFTER INSERT ON ledger.transfers
    REFERENCING NEW TABLE AS new_transfers FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_unbalanced_transfer();

-- Moves money once, and is the only place that writes transfers and entries.
-- Both accounts are locked in id order, so two transfers never wait for each other in a circle.
CREATE OR REPLACE FUNCTION ledger.post_transfer(
    transfer_id uuid, kind text, source bigint, destination bigint, amount bigint, memo text DEFAULT NULL, refund_of uuid DEFAULT NULL
) RETURNS ledger.posting
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
#variable_conflict use_column
DECLARE
    payer accounts;
    payee accounts;
    locked accounts;
    wanted transfers := ROW(transfer_id, kind, source, destination, amount, memo, refund_of, 0, 0, NULL);
    answer posting;
BEGIN
    FOR locked IN
        SELECT * FROM accounts WHERE id IN (post_transfer.source, post_transfer.destination) ORDER BY id FOR NO KEY UPDATE
    LOOP
        IF locked.id = wanted.source THEN payer := locked; ELSE payee := locked; END IF;
    END LOOP;

    answer.status := CASE
        WHEN payer.id IS NULL OR payee.id IS NULL THEN 'unknown_account'
        WHEN payer.currency <> payee.currency THEN 'other_currency'
        WHEN (payer.kind = 'issuance') <> (wanted.kind = 'issue') OR (payee.kind = 'issuance') <> (wanted.kind = 'redeem') THEN 'wrong_kind'
        WHEN 'frozen' IN (payer.status, payee.status) THEN 'frozen'
        WHEN payer.kind = 'wallet' AND payer.balance < wanted.amount THEN 'insufficient_funds'
    END;
    IF answer.status IS NULL THEN
        -- The clock is read under the locks: along an account's numbers, time runs one way.
        wanted.source_number := payer.entry_count + 1;
        wanted.destination_number := payee.entry_count + 1;
        wanted.created_at := clock_timestamp();
        WITH stored AS (INSERT INTO transfers SELECT wanted.* ON CONFLICT DO NOTHING RETURNING id)
        INSERT INTO entries (account_id, number, transfer_id, amount, balance_after, created_at)
        SELECT leg.account_id, leg.number, stored.id, leg.amount, leg.balance_after, wanted.created_at FROM stored CROSS JOIN (VALUES
            (wanted.source, wanted.source_number, -wanted.amount, payer.balance - wanted.amount),
            (wanted.destination, wanted.destination_number, wanted.amount, payee.balance + wanted.amount)
        ) AS leg (account_id, number, amount, balance_after);
    END IF;
    IF answer.status IS NOT NULL OR NOT FOUND THEN
        -- An id that is stored answers as it did, also when what it did could not be done again now.
        RETURN CASE WHEN again.status IS NULL THEN
            ROW(answer.status, NULL, wanted.amount, payer.balance, NULL, NULL, NULL, NULL)::posting ELSE again END
            FROM answer_again(wanted) AS again;
    END IF;

    UPDATE accounts SET balance = balance - wanted.amount, entry_count = wanted.source_number WHERE id = wanted.source;
    UPDATE accounts SET balance = balance + wanted.amount, entry_count = wanted.destination_number WHERE id = wanted.destination;
    RETURN ROW('posted', wanted.id, wanted.amount, payer.balance - wanted.amount,
        wanted.source_number, wanted.destination_number, NULL, wanted.created_at)::posting;
END $$;

-- Posts up to 10,000 transfers of one kind as if one after the other in their order, each seeing what the ones before it moved,
-- and answers each as post_transfer would. Atomic: all of them or none. Otherwise an item that is refused leaves no trace on the others.
-- All accounts are locked once, first and in id order, so groups and single transfers never wait for each other in a circle.
-- Balances and entry numbers are then followed in arrays, one place for each account: one statement writes all transfers with their
-- entries, and one the accounts.
CREATE OR REPLACE FUNCTION ledger.post_transfers(
    ids uuid[], kind text, sources bigint[], destinations bigint[], amounts bigint[], memos text[], atomic boolean
) RETURNS SETOF ledger.group_posting
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
#variable_conflict use_column
DECLARE
    items CONSTANT integer := cardinality(ids);
    nothing CONSTANT bigint[] := array_fill(NULL::bigint, ARRAY[items]);
    moment timestamptz;
    -- One place for each account, in id order.
    account_ids bigint[];
    currencies text[];
    frozen boolean[];
    wallets boolean[];
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
    posted integer;
    refused integer;
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

    SELECT array_agg(id), array_agg(currency), array_agg(status = 'frozen'), array_agg(kind = 'wallet'),
        array_agg(balance), array_agg(entry_count)
    INTO account_ids, currencies, frozen, wallets, balances_before, entry_counts_before
    FROM (SELECT * FROM accounts WHERE id IN (SELECT DISTINCT unnest(sources || destinations)) ORDER BY id FOR NO KEY UPDATE) AS locked;
    moment := clock_timestamp();

    LOOP
        posted := 0;
        refused := 0;
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
                    WHEN (stored.kind, stored.source, stored.destination, stored.amount, stored.memo) IS NOT DISTINCT FROM
                        (post_transfers.kind, wanted.source, wanted.destination, wanted.amount, wanted.memo) THEN 'replayed'
                    ELSE 'key_reused' END AS verdict
            FROM wanted LEFT JOIN transfers AS stored ON stored.id = wanted.id
            ORDER BY wanted.ordinal
        LOOP
            verdict := CASE
                WHEN item.verdict IS NOT NULL THEN item.verdict
                WHEN posted_as[item.first] = item.twin THEN 'replayed'
                WHEN posted_as[item.first] <> item.twin THEN 'key_reused'
                WHEN item.payer IS NULL OR item.payee IS NULL THEN 'unknown_account'
                WHEN currencies[item.payer] <> currencies[item.payee] THEN 'other_currency'
                WHEN wallets[item.payer] = (post_transfers.kind = 'issue') OR wallets[item.payee] = (post_transfers.kind = 'redeem')
                    THEN 'wrong_kind'
                WHEN frozen[item.payer] OR frozen[item.payee] THEN 'frozen'
                WHEN wallets[item.payer] AND balances[item.payer] < item.amount THEN 'insufficient_funds'
                ELSE 'posted' END;
            IF verdict = 'posted' THEN
                posted := posted + 1;
                posted_as[item.first] := item.twin;
                balances[item.payer] := balances[item.payer] - item.amount;
                balances[item.payee] := balances[item.payee] + item.amount;
                destination_balances[item.ordinal] := balances[item.payee];
                entry_counts[item.payer] := entry_counts[item.payer] + 1;
                entry_counts[item.payee] := entry_counts[item.payee] + 1;
                source_numbers[item.ordinal] := entry_counts[item.payer];
                destination_numbers[item.ordinal] := entry_counts[item.payee];
            ELSIF verdict <> 'replayed' THEN
                refused := refused + 1;
            END IF;
            source_balances[item.ordinal] := balances[item.payer];
            verdicts[item.ordinal] := verdict;
        END LOOP;
        IF atomic AND refused > 0 THEN
            posted := 0;
            verdicts := array_replace(verdicts, 'posted', 'held_back');
        END IF;
        EXIT WHEN posted = 0;

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

    UPDATE accounts SET balance = moved.balance, entry_count = moved.entry_count
    FROM unnest(account_ids, balances, entry_counts) AS moved (id, balance, entry_count)
    WHERE posted > 0 AND accounts.id = moved.id AND accounts.entry_count <> moved.entry_count;

    -- What an id answered before it answers again, be it stored long ago or by an item of this group.
    RETURN QUERY WITH answered AS MATERIALIZED (
        SELECT item.*, CASE WHEN item.verdict IN ('replayed', 'key_reused') THEN answer_again(
            ROW(item.id, post_transfers.kind, item.source, item.destination, item.amount, item.memo, NULL, 0, 0, NULL)) END AS again
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
