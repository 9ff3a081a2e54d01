-- The same refusals as before at a third of the price: they were half of what a group of transfers costs.

-- A transfer's entries are looked up in one query instead of two.
CREATE OR REPLACE FUNCTION ledger.refuse_unbalanced_transfer() RETURNS trigger LANGUAGE plpgsql SET search_path = ledger, pg_temp AS $$
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

-- Entries are looked at once a statement, all that it wrote together, and at once: their transfers are always written before them.
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

REVOKE ALL ON FUNCTION ledger.refuse_stray_entries FROM PUBLIC;

CREATE TRIGGER entries_belong_to_their_transfers AFTER INSERT ON ledger.entries
    REFERENCING NEW TABLE AS new_entries FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_stray_entries();
DROP TRIGGER entry_belongs_to_its_transfer ON ledger.entries;
DROP FUNCTION ledger.refuse_stray_entry();
