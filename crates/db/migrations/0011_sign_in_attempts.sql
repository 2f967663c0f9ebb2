-- Wrong passwords, counted for each account (and for each name that is nobody's) until `expires_at`. `target` is a hash: what people
-- type as their name is not always a name.
CREATE TABLE sign_in_attempts (
    tenant_id TEXT NOT NULL,
    target TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    CONSTRAINT sign_in_attempts_target PRIMARY KEY (tenant_id, target)
);
CREATE INDEX sign_in_attempts_by_expiry ON sign_in_attempts (tenant_id, expires_at);
