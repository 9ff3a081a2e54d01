-- The ledger: money is moved here and nowhere else. Written only by the functions of 0001_ledger_functions.sql; the app's role
-- may read the tables and call the functions, no more. Sign, stated once: an entry below zero leaves its account, above zero arrives.

CREATE SCHEMA ledger;

CREATE TABLE ledger.accounts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CONSTRAINT account_kind_is_known CHECK (kind IN ('wallet', 'issuance')),
    currency text NOT NULL CONSTRAINT account_currency_is_iso_4217 CHECK (currency ~ '^[A-Z]{3}$'),
    balance bigint NOT NULL DEFAULT 0,
    entry_count bigint NOT NULL DEFAULT 0 CONSTRAINT account_entry_count_is_not_negative CHECK (entry_count >= 0),
    status text NOT NULL DEFAULT 'open' CONSTRAINT account_status_is_known CHECK (status IN ('open', 'frozen')),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- Money enters and leaves through issuance alone, so it alone goes below zero and all balances sum to zero at all times.
    CONSTRAINT only_issuance_is_below_zero CHECK (kind = 'issuance' OR balance >= 0)
) WITH (fillfactor = 70); -- room on the page for the next versions of a row: updates stay off the index

CREATE UNIQUE INDEX one_issuance_account_a_currency ON ledger.accounts (currency) WHERE kind = 'issuance';

-- No foreign keys to accounts, on purpose: checking one locks the account's row once more for each row written, which makes a busy
-- account slower with every version of its row. What replaces them: one writing function that has just locked both accounts,
-- no DELETE on accounts, and `ledger verify`, which looks for entries and transfers of accounts that do not exist.
CREATE TABLE ledger.transfers (
    id uuid PRIMARY KEY, -- made by the caller: identity, idempotency key and look-up in one index
    kind text NOT NULL CONSTRAINT transfer_kind_is_known CHECK (kind IN ('payment', 'refund', 'issue', 'redeem')),
    source bigint NOT NULL,
    destination bigint NOT NULL,
    amount bigint NOT NULL CONSTRAINT transfer_amount_is_positive CHECK (amount > 0),
    memo text CONSTRAINT transfer_memo_has_a_limit CHECK (length(memo) BETWEEN 1 AND 200),
    refund_of uuid,
    -- The numbers of its two entries, so that a transfer finds them by primary key and entries need no second index.
    source_number bigint NOT NULL,
    destination_number bigint NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT transfer_has_two_accounts CHECK (source <> destination),
    CONSTRAINT only_a_refund_names_a_payment CHECK ((kind = 'refund') = (refund_of IS NOT NULL))
);

CREATE INDEX refunds_of_a_payment ON ledger.transfers (refund_of) WHERE refund_of IS NOT NULL;

CREATE TABLE ledger.entries (
    account_id bigint NOT NULL,
    number bigint NOT NULL CONSTRAINT entry_number_counts_from_one CHECK (number >= 1), -- 1, 2, 3 … in each account without a gap
    transfer_id uuid NOT NULL,
    amount bigint NOT NULL CONSTRAINT entry_moves_something CHECK (amount <> 0),
    balance_after bigint NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, number)
);

-- Checked when the transaction commits: a transfer has its two entries, equal and opposite, and so they sum to zero;
-- and a refund goes back the way of its payment, which all its refunds together do not exceed.
CREATE FUNCTION ledger.refuse_unbalanced_transfer() RETURNS trigger LANGUAGE plpgsql SET search_path = ledger, pg_temp AS $$
BEGIN
    PERFORM FROM entries AS leaving, entries AS arriving
    WHERE (leaving.account_id, leaving.number, leaving.transfer_id, leaving.amount)
            = (NEW.source, NEW.source_number, NEW.id, -NEW.amount)
        AND (arriving.account_id, arriving.number, arriving.transfer_id, arriving.amount)
            = (NEW.destination, NEW.destination_number, NEW.id, NEW.amount);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the entries of transfer % do not sum to zero', NEW.id USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.kind = 'refund' AND NOT EXISTS (SELECT FROM transfers AS payment WHERE id = NEW.refund_of AND kind = 'payment'
        AND (source, destination) = (NEW.destination, NEW.source)
        AND amount >= (SELECT sum(amount) FROM transfers WHERE refund_of = NEW.refund_of))
    THEN
        RAISE EXCEPTION 'refund % is not of a payment, or exceeds it', NEW.id USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER transfer_entries_sum_to_zero AFTER INSERT ON ledger.transfers
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger.refuse_unbalanced_transfer();

-- Its counterpart: an entry is one of the two that its transfer names, so a third one has no place. Looked at once a statement, all
-- that it wrote together, and at once: their transfers are always written before them.
CREATE FUNCTION ledger.refuse_stray_entries() RETURNS trigger LANGUAGE plpgsql SET search_path = ledger, pg_temp AS $$
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

CREATE TRIGGER entries_belong_to_their_transfers AFTER INSERT ON ledger.entries
    REFERENCING NEW TABLE AS new_entries FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_stray_entries();

-- History is written once. A mistake is put right by a refund or by another transfer, never by an edit.
CREATE FUNCTION ledger.refuse_change_of_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on %.% is refused: history is never changed', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER transfers_are_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.transfers
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change_of_history();
CREATE TRIGGER entries_are_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.entries
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change_of_history();
CREATE TRIGGER accounts_are_never_deleted BEFORE DELETE OR TRUNCATE ON ledger.accounts
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change_of_history();
