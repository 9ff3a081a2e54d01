-- Owns the triggers that refuse what breaks the books: unbalanced transfers, stray entries, changes of history.

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

CREATE OR REPLACE TRIGGER transfers_have_their_entries AFTER INSERT ON ledger.transfers
    REFERENCING NEW TABLE AS new_transfers FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_unbalanced_transfer();

-- Its counterpart: an entry is one of the two that its transfer names, so a third one has no place. Looked at once a statement, all
-- that it wrote together, and at once: their transfers are always written before them.
CREATE OR REPLACE FUNCTION ledger.refuse_stray_entries() RETURNS trigger LANGUAGE plpgsql SET search_path = ledger, pg_temp AS $$
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

CREATE OR REPLACE TRIGGER entries_belong_to_their_transfers AFTER INSERT ON ledger.entries
    REFERENCING NEW TABLE AS new_entries FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_stray_entries();

-- History is written once. A mistake is put right by a refund or by another transfer, never by an edit.
CREATE OR REPLACE FUNCTION ledger.refuse_change_of_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on %.% is refused: history is never changed', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE OR REPLACE TRIGGER transfers_are_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.transfers
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change_of_history();
CREATE OR REPLACE TRIGGER entries_are_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.entries
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change_of_history();
CREATE OR REPLACE TRIGGER accounts_are_never_deleted BEFORE DELETE OR TRUNCATE ON ledger.accounts
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change_of_history();
