-- People may leave. A closed account has no name, no login and no token; its entries stay, under a neutral name.

ALTER TABLE public.users ADD COLUMN closed_at timestamptz;

-- Usernames that nobody may have again: a payment to an old acquaintance must not reach a stranger. Kept as SHA-256, without the name.
CREATE TABLE public.retired_usernames (
    username_sha256 bytea PRIMARY KEY CONSTRAINT retired_username_is_a_sha256 CHECK (octet_length(username_sha256) = 32),
    retired_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
GRANT SELECT ON public.retired_usernames TO payment_system;

CREATE FUNCTION public.refuse_retired_username() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM retired_usernames WHERE username_sha256 = sha256(convert_to(NEW.username, 'UTF8'))) THEN
        RAISE EXCEPTION 'the username is retired' USING ERRCODE = 'unique_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER usernames_are_given_once BEFORE INSERT ON public.users
    FOR EACH ROW EXECUTE FUNCTION public.refuse_retired_username();

-- What was under way when an account was closed is tried again, and then meets an account that is closed.
CREATE FUNCTION public.refuse_change_of_closed_account() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'the account is closed' USING ERRCODE = 'serialization_failure';
END $$;
CREATE TRIGGER closed_accounts_are_never_changed BEFORE UPDATE ON public.users
    FOR EACH ROW WHEN (OLD.closed_at IS NOT NULL) EXECUTE FUNCTION public.refuse_change_of_closed_account();

-- KEY SHARE waits for a closing that is under way, and then sees what became of the account.
CREATE FUNCTION public.refuse_way_into_closed_account() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM FROM users WHERE id = NEW.user_id AND closed_at IS NULL FOR KEY SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the account is closed' USING ERRCODE = 'serialization_failure';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER closed_accounts_have_no_login BEFORE INSERT ON public.logins
    FOR EACH ROW EXECUTE FUNCTION public.refuse_way_into_closed_account();
CREATE TRIGGER closed_accounts_have_no_token BEFORE INSERT ON public.api_tokens
    FOR EACH ROW EXECUTE FUNCTION public.refuse_way_into_closed_account();

-- Closes the account of a person for good, if its wallet is empty; answers closed, not_empty, frozen, or unknown. The app's role may not
-- change a username itself: with that it could hand one person's name, and the payments to it, to another.
CREATE FUNCTION public.close_account(closing_username text, despite_freeze boolean, neutral_username text, hash_of_nobody text) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    closing users;
    wallet ledger.accounts;
BEGIN
    SELECT * INTO closing FROM users WHERE username = closing_username AND closed_at IS NULL FOR UPDATE;
    IF NOT FOUND THEN
        RETURN 'unknown';
    END IF;
    -- Whoever pays this wallet now waits, and then finds it closed.
    SELECT * INTO wallet FROM ledger.accounts WHERE id = closing.account_id FOR NO KEY UPDATE;
    IF wallet.balance <> 0 THEN
        RETURN 'not_empty';
    ELSIF wallet.status <> 'open' AND NOT despite_freeze THEN
        RETURN 'frozen';
    END IF;
    UPDATE ledger.accounts SET status = 'closed' WHERE id = closing.account_id;
    UPDATE users SET username = neutral_username, display_name = 'Closed account', is_operator = false,
        password_hash = hash_of_nobody, closed_at = clock_timestamp() WHERE id = closing.id;
    DELETE FROM logins WHERE user_id = closing.id;
    DELETE FROM api_tokens WHERE user_id = closing.id;
    INSERT INTO retired_usernames (username_sha256) VALUES (sha256(convert_to(closing.username, 'UTF8')));
    RETURN 'closed';
END $$;
REVOKE ALL ON FUNCTION public.refuse_retired_username, public.refuse_change_of_closed_account, public.refuse_way_into_closed_account,
    public.close_account FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.close_account TO payment_system;
