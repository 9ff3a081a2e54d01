-- Owns moving money once: a transfer between two accounts, the same answer again for the same id, and refunds.

-- What an id that is stored already answers to whoever paid with it: the first result again, or that it belongs to another transfer of
-- theirs. NULL when there is none of theirs. Right even though the first was posted long ago: balances come from its entries.
CREATE OR REPLACE FUNCTION ledger.answer_again(wanted ledger.transfers) RETURNS ledger.posting
    LANGUAGE plpgsql STABLE SET search_path = ledger, pg_temp AS $$
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

-- The one rule: why a transfer of this amount between these two accounts is refused, or NULL. A freeze does not bind the operator.
-- What the statuses let through, app/ledger/statuses.py tells before anything moves.
CREATE OR REPLACE FUNCTION ledger.refusal(
    kind text, payer_kind text, payee_kind text, payer_currency text, payee_currency text, payer_status text, payee_status text,
    payer_balance bigint, payee_balance bigint, amount bigint, despite_freeze boolean
) RETURNS text LANGUAGE sql IMMUTABLE AS $$
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

-- Moves money once. It and post_transfers are the only places that write transfers and entries.
-- Both accounts are locked in id order, so two transfers never wait for each other in a circle.
CREATE OR REPLACE FUNCTION ledger.post_transfer(
    transfer_id uuid, kind text, source bigint, destination bigint, amount bigint, memo text DEFAULT NULL, refund_of uuid DEFAULT NULL,
    refunds_the_rest boolean DEFAULT NULL, despite_freeze boolean DEFAULT false
) RETURNS ledger.posting
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
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

-- Gives back part or all of a payment, never more than was paid: the payment's row is locked, so refunds of it take turns.
-- Only the account that was paid may refund (`refunder`); to any other the payment does not exist. No amount: all that is left.
CREATE OR REPLACE FUNCTION ledger.refund_transfer(
    refund_id uuid, payment_id uuid, refunder bigint, refund_amount bigint DEFAULT NULL, refund_memo text DEFAULT NULL,
    despite_freeze boolean DEFAULT false
) RETURNS ledger.posting
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
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
