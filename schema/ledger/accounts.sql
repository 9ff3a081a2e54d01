-- Owns an account: its opening and its status, and which entry was its last at a moment.

CREATE OR REPLACE FUNCTION ledger.open_account(new_currency text) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
    INSERT INTO accounts (kind, currency) VALUES ('wallet', new_currency) RETURNING id;
$$;

-- The account through which money of this currency enters and leaves; made at its first use.
CREATE OR REPLACE FUNCTION ledger.issuance_account(of_currency text) RETURNS bigint
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

-- Freezes or opens a wallet; true when that changed something. Waits for a transfer under way on it. A closed account stays closed.
CREATE OR REPLACE FUNCTION ledger.set_status(of_account bigint, new_status text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
BEGIN
    UPDATE accounts SET status = new_status
    WHERE id = of_account AND kind = 'wallet' AND status <> new_status AND 'closed' NOT IN (status, new_status);
    RETURN FOUND;
END $$;

-- The number of an account's last entry at or before a moment, 0 when there is none: a period becomes a range of entry numbers.
-- Numbers have no gap and time runs one way along them, so a binary search needs no index on time: 24 look-ups in ten million.
-- As far as the clock of the host does: where it was set back, a moment within that step finds one of the entries around it.
CREATE OR REPLACE FUNCTION ledger.entry_number_at(of_account bigint, moment timestamptz) RETURNS bigint
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
