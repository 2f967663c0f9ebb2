-- Keys in rotation: when a staged key begins to be used, and until when a retired one is still needed.
ALTER TABLE keys ADD COLUMN effective_at BIGINT;
ALTER TABLE keys ADD COLUMN expires_at BIGINT;

-- What ID tokens say and how long sessions last: read whole, one JSON document.
CREATE TABLE oidc_settings (
    tenant_id TEXT NOT NULL,
    value TEXT NOT NULL,
    CONSTRAINT oidc_settings_tenant_id PRIMARY KEY (tenant_id)
);

-- The applications that a session has signed in to and that want to be told when it ends.
CREATE TABLE session_participants (
    tenant_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    CONSTRAINT session_participants_pk PRIMARY KEY (tenant_id, session_id, client_id),
    FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, client_id) REFERENCES applications (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX session_participants_by_client ON session_participants (tenant_id, client_id);

-- Logout tokens to be delivered. They outlive the session and the user they are about. `attempts` is the fencing token: whoever
-- raises it delivers until `next_attempt_at`, and only the one who raised it last settles the row.
CREATE TABLE logout_deliveries (
    tenant_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    next_attempt_at BIGINT NOT NULL,
    CONSTRAINT logout_deliveries_pk PRIMARY KEY (tenant_id, session_id, client_id),
    FOREIGN KEY (tenant_id, client_id) REFERENCES applications (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX logout_deliveries_by_time ON logout_deliveries (tenant_id, next_attempt_at);
CREATE INDEX logout_deliveries_by_client ON logout_deliveries (tenant_id, client_id);

-- At most one key of a purpose is in use and one staged, whatever happens at once.
CREATE UNIQUE INDEX keys_current ON keys (tenant_id, purpose) WHERE state = 'current';
CREATE UNIQUE INDEX keys_next ON keys (tenant_id, purpose) WHERE state = 'next';
