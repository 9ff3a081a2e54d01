-- Many transfers in one call: payouts, and payments of many people that wait at the same moment.

CREATE TYPE ledger.group_posting AS (
    ordinal integer, -- the item's place in the arguments, from 1
    status text, -- as in ledger.posting, or held_back: nothing is wrong with it, but its atomic group holds an item that was refused
    transfer_id uuid,
    amount bigint,
    source_balance bigint, -- right after the item; when refused for funds: what the source holds after the items before it
    source_number bigint,
    destination_number bigint,
    refundable bigint, -- always NULL: a group holds no refunds
    created_at timestamptz
);

-- Posts up to 10,000 transfers of one kind as if one after the other in their order, each seeing what the ones before it moved,
-- and answers each as post_transfer would. Atomic: all of them or none. Otherwise an item that is refused leaves no trace on the others.
-- All accounts are locked once, first and in id order, so groups and single transfers never wait for each other in a circle.
-- Balances and entry numbers are then followed in arrays, one place for each account, and written in one statement a table.
CREATE FUNCTION ledger.post_transfers(
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
    stored integer;
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
            INSERT INTO transfers
            SELECT id, post_transfers.kind, source, destination, amount, memo, NULL, source_number, destination_number, moment
            FROM unnest(ids, sources, destinations, amounts, memos, verdicts, source_numbers, destination_numbers)
                AS item (id, source, destination, amount, memo, verdict, source_number, destination_number)
            WHERE verdict = 'posted' ORDER BY id ON CONFLICT DO NOTHING;
            GET DIAGNOSTICS stored = ROW_COUNT;
            IF stored < posted THEN
                RAISE unique_violation;
            END IF;
            EXIT;
        EXCEPTION WHEN unique_violation THEN
            NULL;
        END;
    END LOOP;

    IF posted > 0 THEN
        UPDATE accounts SET balance = moved.balance, entry_count = moved.entry_count
        FROM unnest(account_ids, balances, entry_counts) AS moved (id, balance, entry_count)
        WHERE accounts.id = moved.id AND accounts.entry_count <> moved.entry_count;

        INSERT INTO entries (account_id, number, transfer_id, amount, balance_after, created_at)
        SELECT leg.account_id, leg.number, item.id, leg.amount, leg.balance_after, moment
        FROM unnest(ids, sources, destinations, amounts, verdicts,
            source_numbers, destination_numbers, source_balances, destination_balances)
            AS item (id, source, destination, amount, verdict,
                source_number, destination_number, source_balance, destination_balance)
        CROSS JOIN LATERAL (VALUES
            (item.source, item.source_number, -item.amount, item.source_balance),
            (item.destination, item.destination_number, item.amount, item.destination_balance)
        ) AS leg (account_id, number, amount, balance_after)
        WHERE item.verdict = 'posted';
    END IF;

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

REVOKE ALL ON FUNCTION ledger.post_transfers FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger.post_transfers TO payment_system;
