-- People, and how the program knows them again. Tokens are kept as SHA-256 only: a copy of this table opens nothing.

CREATE TABLE users (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    username text NOT NULL CONSTRAINT username_is_taken UNIQUE
        CONSTRAINT username_is_a_handle CHECK (username ~ '^[a-z][a-z0-9_-]{2,31}$'),
    display_name text NOT NULL CONSTRAINT display_name_has_a_limit CHECK (length(display_name) BETWEEN 1 AND 64),
    password_hash text NOT NULL,
    account_id bigint NOT NULL CONSTRAINT an_account_has_one_owner UNIQUE REFERENCES ledger.accounts (id),
    joined_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- A person's account is a wallet: only issuance may go below zero, and it is nobody's.
CREATE FUNCTION refuse_account_that_is_no_wallet() RETURNS trigger LANGUAGE plpgsql SET search_path = ledger, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM accounts WHERE id = NEW.account_id AND kind = 'wallet') THEN
        RAISE EXCEPTION 'account % is not a wallet', NEW.account_id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER account_is_a_wallet BEFORE INSERT OR UPDATE OF account_id ON users
    FOR EACH ROW EXECUTE FUNCTION refuse_account_that_is_no_wallet();

CREATE TABLE logins (
    id uuid PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES users (id),
    token_sha256 bytea NOT NULL CONSTRAINT login_token_is_unique UNIQUE
        CONSTRAINT login_token_is_a_sha256 CHECK (octet_length(token_sha256) = 32),
    user_agent text CONSTRAINT user_agent_has_a_limit CHECK (length(user_agent) <= 200),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_seen_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE INDEX logins_of_a_user ON logins (user_id);

CREATE TABLE api_tokens (
    id uuid PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES users (id),
    name text NOT NULL CONSTRAINT token_name_has_a_limit CHECK (length(name) BETWEEN 1 AND 64),
    scopes text[] NOT NULL CONSTRAINT token_scopes_are_known CHECK (scopes <@ ARRAY['READ', 'PAY'] AND cardinality(scopes) >= 1),
    token_sha256 bytea NOT NULL CONSTRAINT api_token_is_unique UNIQUE
        CONSTRAINT api_token_is_a_sha256 CHECK (octet_length(token_sha256) = 32),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_used_at timestamptz
);

CREATE INDEX api_tokens_of_a_user ON api_tokens (user_id);
