-- Owns moving money many times in one call: all of it or none, or each on its own.

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
