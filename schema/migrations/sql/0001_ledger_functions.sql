-- The functions through which money moves. Each runs as the ledger's owner; a refusal is a row with its status, never an exception,
-- so that one refused item of a group leaves its neighbours alone.

CREATE TYPE ledger.posting AS (
    status text, -- posted, replayed, key_reused, unknown_account, other_currency, wrong_kind, frozen, insufficient_funds, not_found, refund_too_large
    transfer_id uuid,
    amount bigint, -- when refused: what was wanted
    source_balance bigint, -- right after the transfer; when refused for funds: what the source holds
    source_number bigint,
    destination_number bigint,
    refundable bigint, -- when a refund is refused: what is left of the payment
    created_at timestamptz
);

CREATE FUNCTION ledger.open_account(new_currency text) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
    INSERT INTO accounts (kind, currency) VALUES ('wallet', new_currency) RETURNING id;
$$;

-- The account through which money of this currency enters and leaves; made at its first use.
CREATE FUNCTION ledger.issuance_account(of_currency text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
DECLARE
    found_id bigint := (SELECT id FROM accounts WHERE kind = 'issuance' AND currency = of_currency);
BEGIN
    IF found_id IS NULL THEN
        INSERT INTO accounts (kind, currency) VALUES ('issuance', of_currency) ON CONFLICT DO NOTHING;
        found_id := (SELECT id FROM accounts WHERE kind = 'issuance' AND currency = of_currency);
    END IF;
    RETURN found_id;
END $$;

-- Freezes or opens a wallet; true when that changed something. Waits for a transfer under way on it.
CREATE FUNCTION ledger.set_status(of_account bigint, new_status text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
BEGIN
    UPDATE accounts SET status = new_status WHERE id = of_account AND kind = 'wallet' AND status <> new_status;
    RETURN FOUND;
END $$;

-- What an id that is stored already answers: the first result again, or that the id belongs to something else.
-- Right even though the first was posted long ago: balances come from its entries, not from the accounts.
CREATE FUNCTION ledger.answer_again(wanted ledger.transfers) RETURNS ledger.posting
    LANGUAGE plpgsql STABLE SET search_path = ledger, pg_temp AS $$
DECLARE
    first transfers;
    answer posting;
BEGIN
    SELECT * INTO first FROM transfers WHERE id = wanted.id;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    IF (first.kind, first.source, first.destination, first.memo, first.refund_of)
        IS DISTINCT FROM (wanted.kind, wanted.source, wanted.destination, wanted.memo, wanted.refund_of)
        OR first.amount <> wanted.amount -- a refund of "all that is left" wants no certain amount (NULL), and any answers it
    THEN
        answer.status := 'key_reused';
        RETURN answer;
    END IF;
    answer := ROW('replayed', first.id, first.amount,
        (SELECT balance_after FROM entries WHERE account_id = first.source AND number = first.source_number),
        first.source_number, first.destination_number, NULL, first.created_at);
    RETURN answer;
END $$;

-- Moves money once, and is the only place that writes transfers and entries.
-- Both accounts are locked in id order, so two transfers never wait for each other in a circle.
CREATE FUNCTION ledger.post_transfer(
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
        INSERT INTO transfers SELECT wanted.* ON CONFLICT DO NOTHING;
    END IF;
    IF answer.status IS NOT NULL OR NOT FOUND THEN
        -- An id that is stored answers as it did, also when what it did could not be done again now.
        RETURN CASE WHEN again.status IS NULL THEN
            ROW(answer.status, NULL, wanted.amount, payer.balance, NULL, NULL, NULL, NULL)::posting ELSE again END
            FROM answer_again(wanted) AS again;
    END IF;

    UPDATE accounts SET balance = balance - wanted.amount, entry_count = wanted.source_number WHERE id = wanted.source;
    UPDATE accounts SET balance = balance + wanted.amount, entry_count = wanted.destination_number WHERE id = wanted.destination;
    INSERT INTO entries (account_id, number, transfer_id, amount, balance_after, created_at) VALUES
        (wanted.source, wanted.source_number, wanted.id, -wanted.amount, payer.balance - wanted.amount, wanted.created_at),
        (wanted.destination, wanted.destination_number, wanted.id, wanted.amount, payee.balance + wanted.amount, wanted.created_at);
    RETURN ROW('posted', wanted.id, wanted.amount, payer.balance - wanted.amount,
        wanted.source_number, wanted.destination_number, NULL, wanted.created_at)::posting;
END $$;

-- Gives back part or all of a payment, never more than was paid: the payment's row is locked, so refunds of it take turns.
-- Only the account that was paid may refund (`refunder`); to any other the payment does not exist. No amount: all that is left.
CREATE FUNCTION ledger.refund_transfer(
    refund_id uuid, payment_id uuid, refunder bigint, refund_amount bigint DEFAULT NULL, refund_memo text DEFAULT NULL
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
    wanted := ROW(refund_id, 'refund', payment.destination, payment.source, refund_amount, refund_memo, payment.id, 0, 0, NULL);
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
        coalesce(refund_amount, refundable), wanted.memo, wanted.refund_of);
END $$;

-- The number of an account's last entry at or before a moment, 0 when there is none: a period becomes a range of entry numbers.
-- Numbers have no gap and time runs one way along them, so a binary search needs no index on time: 24 look-ups in ten million.
-- As far as the clock of the host does: where it was set back, a moment within that step finds one of the entries around it.
CREATE FUNCTION ledger.entry_number_at(of_account bigint, moment timestamptz) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = ledger, pg_temp AS $$
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
