-- From here on the functions and triggers of the ledger stand in schema/ledger, each once. An upgrade that finds their text changed, or
-- something else in the database, replaces all of them. This table says which text the database has.

CREATE TABLE public.repeatable_migrations (
    name text PRIMARY KEY,
    text_sha256 bytea NOT NULL CONSTRAINT repeatable_text_is_a_sha256 CHECK (octet_length(text_sha256) = 32),
    -- Of what PostgreSQL made of the text, so that a change by hand shows.
    definitions_sha256 bytea NOT NULL CONSTRAINT repeatable_definitions_are_a_sha256 CHECK (octet_length(definitions_sha256) = 32),
    ran_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

GRANT SELECT ON public.repeatable_migrations TO payment_system;
