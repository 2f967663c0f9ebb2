-- What belongs to users, and how many there are.

-- How many rows of a kind an owner has ('' when the tenant itself has them), spread over a few rows so that writers do not wait for
-- one another: the sum counts. Kept in the transaction of the rows that are counted.
CREATE TABLE counts (
    tenant_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    owner_id TEXT NOT NULL,
    shard BIGINT NOT NULL,
    value BIGINT NOT NULL,
    CONSTRAINT counts_pk PRIMARY KEY (tenant_id, kind, owner_id, shard)
);

-- Every shard is there from the start: a row that goes is taken off its own shard, wherever it was counted.
INSERT INTO counts (tenant_id, kind, owner_id, shard, value)
SELECT counted.tenant_id, counted.kind, counted.owner_id, shards.shard,
       CASE WHEN shards.shard = 0 THEN counted.value ELSE 0 END
FROM (
    SELECT tenant_id, 'users' AS kind, '' AS owner_id, COUNT(*) AS value FROM users GROUP BY tenant_id
    UNION ALL
    SELECT tenant_id, 'organizations', '', COUNT(*) FROM organizations GROUP BY tenant_id
    UNION ALL
    SELECT tenant_id, 'organization_users', organization_id, COUNT(*) FROM organization_users
    GROUP BY tenant_id, organization_id
    UNION ALL
    SELECT tenant_id, 'role_users', role_id, COUNT(*) FROM user_roles GROUP BY tenant_id, role_id
) counted
CROSS JOIN (
    SELECT 0 AS shard UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3
    UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7
) shards;

-- The last day a user was active, in days since 1970 (UTC).
CREATE TABLE user_activity (
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    day BIGINT NOT NULL,
    CONSTRAINT user_activity_user_id PRIMARY KEY (tenant_id, user_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE
);

-- How many users were active on a day, by how many days before they had last been (0 for never before, at most 31). Who was active
-- within a week or a month follows from it without counting users again.
CREATE TABLE active_users (
    tenant_id TEXT NOT NULL,
    day BIGINT NOT NULL,
    gap BIGINT NOT NULL,
    shard BIGINT NOT NULL,
    value BIGINT NOT NULL,
    CONSTRAINT active_users_pk PRIMARY KEY (tenant_id, day, gap, shard)
);

-- Which application a session was last signed in for, and by what means: what APIs show of it, a JSON document.
ALTER TABLE sessions ADD COLUMN client_id TEXT;
ALTER TABLE sessions ADD COLUMN last_submission TEXT;

-- Whose an account elsewhere is: the identities of `users`, to be found by.
CREATE TABLE user_identities (
    tenant_id TEXT NOT NULL,
    target TEXT NOT NULL,
    identity_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    CONSTRAINT user_identities_target_identity_id PRIMARY KEY (tenant_id, target, identity_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX user_identities_by_user ON user_identities (tenant_id, user_id);

CREATE TABLE user_sso_identities (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    sso_connector_id TEXT NOT NULL,
    issuer TEXT NOT NULL,
    identity_id TEXT NOT NULL,
    detail TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CONSTRAINT user_sso_identities_id PRIMARY KEY (tenant_id, id),
    CONSTRAINT user_sso_identities_issuer_identity_id UNIQUE (tenant_id, issuer, identity_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX user_sso_identities_by_user ON user_sso_identities (tenant_id, user_id, sso_connector_id);

-- Tokens that other providers gave for a user, sealed. A social connector has `target`, an enterprise one `issuer`; of each account
-- one set is kept.
CREATE TABLE secrets (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    type TEXT NOT NULL,
    provider TEXT NOT NULL,
    connector_id TEXT NOT NULL,
    name TEXT NOT NULL,
    identity_id TEXT NOT NULL,
    value_sealed TEXT NOT NULL,
    metadata TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CONSTRAINT secrets_id PRIMARY KEY (tenant_id, id),
    CONSTRAINT secrets_provider_name_identity_id UNIQUE (tenant_id, provider, name, identity_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX secrets_by_user ON secrets (tenant_id, user_id);

-- Whoever presents one proves an e-mail address, once. The API returns them, so they are sealed; they are found by their hash.
CREATE TABLE one_time_tokens (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    email TEXT NOT NULL,
    email_folded TEXT NOT NULL,
    token_sealed TEXT NOT NULL,
    token_hash TEXT NOT NULL,
    context TEXT NOT NULL,
    status TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    CONSTRAINT one_time_tokens_id PRIMARY KEY (tenant_id, id),
    CONSTRAINT one_time_tokens_token_hash UNIQUE (tenant_id, token_hash)
);
CREATE INDEX one_time_tokens_by_email ON one_time_tokens (tenant_id, email_folded);
CREATE INDEX one_time_tokens_by_creation ON one_time_tokens (tenant_id, created_at, id);
CREATE INDEX one_time_tokens_by_expiry ON one_time_tokens (tenant_id, expires_at);

-- The newest members of an organization, without reading all of them.
CREATE INDEX organization_users_by_joining ON organization_users (tenant_id, organization_id, created_at, user_id);
