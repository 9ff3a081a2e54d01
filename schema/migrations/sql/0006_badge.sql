-- A badge tells people which account is the operator's. No page and no API gives it: `users badge` does, on the host.

-- A default that is no expression is kept beside the table: no row is written, and the lock is held for a moment.
ALTER TABLE public.users ADD COLUMN is_operator boolean NOT NULL DEFAULT false;

GRANT UPDATE (is_operator) ON public.users TO payment_system;
