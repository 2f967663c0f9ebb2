-- What a grant counts as towards its application's maxAllowedGrants: all grants with one value of a user and client are one. The
-- browser session for those by authorization code, the grant itself for a device's. NULL while its code is not redeemed, and for what
-- a token was exchanged for: those do not count.
ALTER TABLE grants ADD COLUMN counts_as TEXT;
UPDATE grants SET counts_as = COALESCE(session_id, id);

-- Who acts as the user by an opaque token (RFC 8693 section 4.1): a user, NULL for nobody. A JWT says it itself.
ALTER TABLE access_tokens ADD COLUMN actor_id TEXT;
