-- Device codes (RFC 8628) and the tokens that token exchange takes (RFC 8693).

-- A device that waits for its user. Of both codes only a hash is kept; the user code's is keyed, because it is short. Answered
-- with a grant: allowed; answered without one: denied.
CREATE TABLE device_codes (
    tenant_id TEXT NOT NULL,
    hash TEXT NOT NULL,
    user_code_hash TEXT NOT NULL,
    client_id TEXT NOT NULL,
    request TEXT NOT NULL,
    interaction_id_hash TEXT,
    grant_id TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    polled_at BIGINT,
    decided_at BIGINT,
    consumed_at BIGINT,
    CONSTRAINT device_codes_hash PRIMARY KEY (tenant_id, hash),
    CONSTRAINT device_codes_user_code_hash UNIQUE (tenant_id, user_code_hash),
    FOREIGN KEY (tenant_id, client_id) REFERENCES applications (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, grant_id) REFERENCES grants (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX device_codes_by_interaction ON device_codes (tenant_id, interaction_id_hash);
CREATE INDEX device_codes_by_client ON device_codes (tenant_id, client_id);
CREATE INDEX device_codes_by_grant ON device_codes (tenant_id, grant_id);
CREATE INDEX device_codes_by_expiry ON device_codes (tenant_id, expires_at);

-- Wrong user codes, counted by who typed them until `expires_at`.
CREATE TABLE user_code_attempts (
    tenant_id TEXT NOT NULL,
    source TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    CONSTRAINT user_code_attempts_source PRIMARY KEY (tenant_id, source)
);
CREATE INDEX user_code_attempts_by_expiry ON user_code_attempts (tenant_id, expires_at);

-- Made by an administrator to act as a user, once.
CREATE TABLE subject_tokens (
    tenant_id TEXT NOT NULL,
    hash TEXT NOT NULL,
    user_id TEXT NOT NULL,
    context TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    consumed_at BIGINT,
    CONSTRAINT subject_tokens_hash PRIMARY KEY (tenant_id, hash),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX subject_tokens_by_user ON subject_tokens (tenant_id, user_id);
CREATE INDEX subject_tokens_by_expiry ON subject_tokens (tenant_id, expires_at);

-- The API returns these, so they are sealed; they are found by the hash.
CREATE TABLE personal_access_tokens (
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    name TEXT NOT NULL,
    value_sealed TEXT NOT NULL,
    value_hash TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    CONSTRAINT personal_access_tokens_user_id_name PRIMARY KEY (tenant_id, user_id, name),
    CONSTRAINT personal_access_tokens_value_hash UNIQUE (tenant_id, value_hash),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE
);
