-- The claims that an authorization request asked for one by one (OpenID Connect Core §5.5), as JSON; NULL for none.
ALTER TABLE grants ADD COLUMN claims TEXT;
