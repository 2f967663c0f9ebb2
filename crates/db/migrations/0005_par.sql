-- Stronger requests and clients: pushed authorization requests, single-use proofs, tokens bound to a key.

-- A request that its client pushed, authenticated, names that client and is spent by its first use. One that a browser posted has
-- no client here.
ALTER TABLE authorization_requests ADD COLUMN client_id TEXT;
ALTER TABLE authorization_requests ADD COLUMN consumed_at BIGINT;

-- Signed one-time statements (client assertions, DPoP proofs) that were accepted: a second one is a replay. Kept until the statement
-- itself has expired.
CREATE TABLE spent_proofs (
    tenant_id TEXT NOT NULL,
    id_hash TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    CONSTRAINT spent_proofs_id_hash PRIMARY KEY (tenant_id, id_hash)
);
CREATE INDEX spent_proofs_by_expiry ON spent_proofs (tenant_id, expires_at);

-- The RFC 7638 thumbprint of the key that must be proven to use them (RFC 9449 section 6); null for bearers.
ALTER TABLE authorization_codes ADD COLUMN dpop_jkt TEXT;
ALTER TABLE access_tokens ADD COLUMN dpop_jkt TEXT;
ALTER TABLE refresh_tokens ADD COLUMN dpop_jkt TEXT;

-- Whether the authorization request had max_age, so that every ID token says when the user authenticated.
ALTER TABLE grants ADD COLUMN with_auth_time BOOLEAN NOT NULL DEFAULT FALSE;
