-- Owns which functions of the ledger may be called, and by whom.

-- The app's role calls these functions of the ledger, and no others.
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ledger FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    ledger.open_account, ledger.issuance_account, ledger.set_status, ledger.entry_number_at,
    ledger.post_transfer, ledger.refund_transfer, ledger.post_transfers TO payment_system;
