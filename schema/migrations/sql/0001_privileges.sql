-- What the app's role may do: read the ledger and call its functions; read and write people. No INSERT, UPDATE, DELETE or TRUNCATE
-- in the ledger, so neither a bug nor an injected statement can write a false entry or rewrite history.

REVOKE CREATE ON SCHEMA public FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ledger FROM PUBLIC;

GRANT USAGE ON SCHEMA ledger TO payment_system;
GRANT SELECT ON ledger.accounts, ledger.transfers, ledger.entries TO payment_system;
GRANT EXECUTE ON FUNCTION
    ledger.open_account, ledger.issuance_account, ledger.set_status,
    ledger.post_transfer, ledger.refund_transfer, ledger.entry_number_at TO payment_system;

-- Whose account is whose is said once, when somebody registers.
GRANT SELECT, INSERT, UPDATE (display_name, password_hash) ON public.users TO payment_system;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.logins, public.api_tokens TO payment_system;
-- So that the running app can tell whether the database is at the migration it needs.
GRANT SELECT ON public.alembic_version TO payment_system;
