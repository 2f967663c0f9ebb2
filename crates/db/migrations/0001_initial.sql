-- Conventions, on both engines: TEXT ids and JSON, BIGINT Unix milliseconds, BOOLEAN. `tenant_id` is first in every key.
-- Every unique constraint is named `<table>_<columns without tenant_id>`, so that a violation has one name on both engines
-- (`_pk` where a duplicate is never reported to anyone).

CREATE TABLE tenants (
    tenant_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT tenants_tenant_id PRIMARY KEY (tenant_id)
);

-- Small values of a tenant, and of the installation under the tenant id `-`.
CREATE TABLE configs (
    tenant_id TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    CONSTRAINT configs_key PRIMARY KEY (tenant_id, key)
);

-- One row per section of the in-memory snapshot; the version moves in the transaction that changes the section.
CREATE TABLE config_versions (
    tenant_id TEXT NOT NULL,
    section TEXT NOT NULL,
    version BIGINT NOT NULL,
    CONSTRAINT config_versions_section PRIMARY KEY (tenant_id, section)
);

-- Signing, cookie and token-rotation keys; `material` is sealed.
CREATE TABLE keys (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    purpose TEXT NOT NULL,
    state TEXT NOT NULL,
    algorithm TEXT,
    material TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT keys_id PRIMARY KEY (tenant_id, id)
);

CREATE TABLE applications (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    type TEXT NOT NULL,
    oidc_client_metadata TEXT NOT NULL,
    custom_client_metadata TEXT NOT NULL,
    protected_app_metadata TEXT,
    custom_data TEXT NOT NULL,
    is_third_party BOOLEAN NOT NULL,
    app_level_access_control_enabled BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT applications_id PRIMARY KEY (tenant_id, id)
);

-- The API returns these, so they are sealed; clients are authenticated by the hash.
CREATE TABLE application_secrets (
    tenant_id TEXT NOT NULL,
    application_id TEXT NOT NULL,
    name TEXT NOT NULL,
    value_sealed TEXT NOT NULL,
    value_hash TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    CONSTRAINT application_secrets_application_id_name PRIMARY KEY (tenant_id, application_id, name),
    FOREIGN KEY (tenant_id, application_id) REFERENCES applications (tenant_id, id) ON DELETE CASCADE
);

CREATE TABLE resources (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    indicator TEXT NOT NULL,
    is_default BOOLEAN NOT NULL,
    access_token_ttl BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT resources_id PRIMARY KEY (tenant_id, id),
    CONSTRAINT resources_indicator UNIQUE (tenant_id, indicator)
);

CREATE TABLE scopes (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    created_at BIGINT NOT NULL,
    CONSTRAINT scopes_id PRIMARY KEY (tenant_id, id),
    CONSTRAINT scopes_resource_id_name UNIQUE (tenant_id, resource_id, name),
    FOREIGN KEY (tenant_id, resource_id) REFERENCES resources (tenant_id, id) ON DELETE CASCADE
);

CREATE TABLE roles (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    type TEXT NOT NULL,
    is_default BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT roles_id PRIMARY KEY (tenant_id, id),
    CONSTRAINT roles_name UNIQUE (tenant_id, name)
);

CREATE TABLE role_scopes (
    tenant_id TEXT NOT NULL,
    role_id TEXT NOT NULL,
    scope_id TEXT NOT NULL,
    CONSTRAINT role_scopes_role_id_scope_id PRIMARY KEY (tenant_id, role_id, scope_id),
    FOREIGN KEY (tenant_id, role_id) REFERENCES roles (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, scope_id) REFERENCES scopes (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX role_scopes_by_scope ON role_scopes (tenant_id, scope_id);

CREATE TABLE application_roles (
    tenant_id TEXT NOT NULL,
    application_id TEXT NOT NULL,
    role_id TEXT NOT NULL,
    CONSTRAINT application_roles_application_id_role_id PRIMARY KEY (tenant_id, application_id, role_id),
    FOREIGN KEY (tenant_id, application_id) REFERENCES applications (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, role_id) REFERENCES roles (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX application_roles_by_role ON application_roles (tenant_id, role_id);

-- `*_folded` columns hold the lower-cased copy that searches and case-insensitive comparisons use; `username_key` holds the one
-- of user name and lower-cased copy that must be unique by the tenant's policy.
CREATE TABLE users (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    username TEXT,
    username_folded TEXT,
    username_key TEXT,
    primary_email TEXT,
    primary_email_folded TEXT,
    primary_phone TEXT,
    name TEXT,
    name_folded TEXT,
    avatar TEXT,
    password_digest TEXT,
    password_algorithm TEXT,
    profile TEXT NOT NULL,
    identities TEXT NOT NULL,
    custom_data TEXT NOT NULL,
    logto_config TEXT NOT NULL,
    mfa_verifications TEXT NOT NULL,
    application_id TEXT,
    is_suspended BOOLEAN NOT NULL,
    is_password_expired BOOLEAN NOT NULL,
    password_updated_at BIGINT,
    last_sign_in_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CONSTRAINT users_id PRIMARY KEY (tenant_id, id),
    CONSTRAINT users_username UNIQUE (tenant_id, username),
    CONSTRAINT users_username_key UNIQUE (tenant_id, username_key),
    CONSTRAINT users_primary_email_folded UNIQUE (tenant_id, primary_email_folded),
    CONSTRAINT users_primary_phone UNIQUE (tenant_id, primary_phone)
);
CREATE INDEX users_by_username_folded ON users (tenant_id, username_folded);
CREATE INDEX users_by_creation ON users (tenant_id, created_at, id);

CREATE TABLE user_roles (
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    role_id TEXT NOT NULL,
    CONSTRAINT user_roles_user_id_role_id PRIMARY KEY (tenant_id, user_id, role_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, role_id) REFERENCES roles (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX user_roles_by_role ON user_roles (tenant_id, role_id);

CREATE TABLE organization_scopes (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    created_at BIGINT NOT NULL,
    CONSTRAINT organization_scopes_id PRIMARY KEY (tenant_id, id),
    CONSTRAINT organization_scopes_name UNIQUE (tenant_id, name)
);

CREATE TABLE organization_roles (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    type TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT organization_roles_id PRIMARY KEY (tenant_id, id),
    CONSTRAINT organization_roles_name UNIQUE (tenant_id, name)
);

CREATE TABLE organization_role_scopes (
    tenant_id TEXT NOT NULL,
    organization_role_id TEXT NOT NULL,
    organization_scope_id TEXT NOT NULL,
    CONSTRAINT organization_role_scopes_pk
        PRIMARY KEY (tenant_id, organization_role_id, organization_scope_id),
    FOREIGN KEY (tenant_id, organization_role_id) REFERENCES organization_roles (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, organization_scope_id) REFERENCES organization_scopes (tenant_id, id) ON DELETE CASCADE
);

CREATE TABLE organization_role_resource_scopes (
    tenant_id TEXT NOT NULL,
    organization_role_id TEXT NOT NULL,
    scope_id TEXT NOT NULL,
    CONSTRAINT organization_role_resource_scopes_pk
        PRIMARY KEY (tenant_id, organization_role_id, scope_id),
    FOREIGN KEY (tenant_id, organization_role_id) REFERENCES organization_roles (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, scope_id) REFERENCES scopes (tenant_id, id) ON DELETE CASCADE
);

CREATE TABLE organizations (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    name_folded TEXT NOT NULL,
    description TEXT,
    custom_data TEXT NOT NULL,
    is_mfa_required BOOLEAN NOT NULL,
    color TEXT NOT NULL,
    branding TEXT NOT NULL,
    custom_css TEXT,
    created_at BIGINT NOT NULL,
    CONSTRAINT organizations_id PRIMARY KEY (tenant_id, id)
);
CREATE INDEX organizations_by_creation ON organizations (tenant_id, created_at, id);

CREATE TABLE organization_users (
    tenant_id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT organization_users_organization_id_user_id PRIMARY KEY (tenant_id, organization_id, user_id),
    FOREIGN KEY (tenant_id, organization_id) REFERENCES organizations (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX organization_users_by_user ON organization_users (tenant_id, user_id);

CREATE TABLE organization_user_roles (
    tenant_id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    organization_role_id TEXT NOT NULL,
    CONSTRAINT organization_user_roles_pk
        PRIMARY KEY (tenant_id, organization_id, user_id, organization_role_id),
    FOREIGN KEY (tenant_id, organization_id, user_id)
        REFERENCES organization_users (tenant_id, organization_id, user_id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, organization_role_id) REFERENCES organization_roles (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX organization_user_roles_by_user ON organization_user_roles (tenant_id, user_id);

CREATE TABLE organization_applications (
    tenant_id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    application_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT organization_applications_organization_id_application_id
        PRIMARY KEY (tenant_id, organization_id, application_id),
    FOREIGN KEY (tenant_id, organization_id) REFERENCES organizations (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, application_id) REFERENCES applications (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX organization_applications_by_application ON organization_applications (tenant_id, application_id);

CREATE TABLE organization_application_roles (
    tenant_id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    application_id TEXT NOT NULL,
    organization_role_id TEXT NOT NULL,
    CONSTRAINT organization_application_roles_pk
        PRIMARY KEY (tenant_id, organization_id, application_id, organization_role_id),
    FOREIGN KEY (tenant_id, organization_id, application_id)
        REFERENCES organization_applications (tenant_id, organization_id, application_id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, organization_role_id) REFERENCES organization_roles (tenant_id, id) ON DELETE CASCADE
);

-- The settings are read whole and replaced field by field by the API: one JSON document.
CREATE TABLE sign_in_experiences (
    tenant_id TEXT NOT NULL,
    value TEXT NOT NULL,
    CONSTRAINT sign_in_experiences_tenant_id PRIMARY KEY (tenant_id)
);

-- A browser that has signed in. The cookie holds a random value of which only the hash is kept; `id` is what APIs show.
CREATE TABLE sessions (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    cookie_hash TEXT NOT NULL,
    user_id TEXT NOT NULL,
    authenticated_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    CONSTRAINT sessions_id PRIMARY KEY (tenant_id, id),
    CONSTRAINT sessions_cookie_hash UNIQUE (tenant_id, cookie_hash),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX sessions_by_user ON sessions (tenant_id, user_id);
CREATE INDEX sessions_by_expiry ON sessions (tenant_id, expires_at);

-- An authorization request that waits for a person: it has reached the sign-in pages and not come back yet.
CREATE TABLE interactions (
    tenant_id TEXT NOT NULL,
    id_hash TEXT NOT NULL,
    client_id TEXT NOT NULL,
    request TEXT NOT NULL,
    progress TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    CONSTRAINT interactions_id_hash PRIMARY KEY (tenant_id, id_hash),
    FOREIGN KEY (tenant_id, client_id) REFERENCES applications (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX interactions_by_expiry ON interactions (tenant_id, expires_at);

-- Authorization requests that arrived by POST, kept until the browser comes back for them by GET.
CREATE TABLE authorization_requests (
    tenant_id TEXT NOT NULL,
    id_hash TEXT NOT NULL,
    parameters TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    CONSTRAINT authorization_requests_id_hash PRIMARY KEY (tenant_id, id_hash)
);
CREATE INDEX authorization_requests_by_expiry ON authorization_requests (tenant_id, expires_at);

-- What a user allowed a client. Deleting a grant deletes every token that came from it: that is revocation.
CREATE TABLE grants (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    session_id TEXT,
    scope TEXT NOT NULL,
    resources TEXT NOT NULL,
    authenticated_at BIGINT NOT NULL,
    nonce TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    CONSTRAINT grants_id PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, client_id) REFERENCES applications (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX grants_by_user ON grants (tenant_id, user_id);
CREATE INDEX grants_by_client ON grants (tenant_id, client_id);
CREATE INDEX grants_by_session ON grants (tenant_id, session_id);
CREATE INDEX grants_by_expiry ON grants (tenant_id, expires_at);

CREATE TABLE authorization_codes (
    tenant_id TEXT NOT NULL,
    hash TEXT NOT NULL,
    grant_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    redirect_uri TEXT NOT NULL,
    code_challenge TEXT,
    expires_at BIGINT NOT NULL,
    consumed_at BIGINT,
    CONSTRAINT authorization_codes_hash PRIMARY KEY (tenant_id, hash),
    FOREIGN KEY (tenant_id, grant_id) REFERENCES grants (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX authorization_codes_by_grant ON authorization_codes (tenant_id, grant_id);
CREATE INDEX authorization_codes_by_expiry ON authorization_codes (tenant_id, expires_at);

-- Opaque access tokens; JWT access tokens are not stored.
CREATE TABLE access_tokens (
    tenant_id TEXT NOT NULL,
    hash TEXT NOT NULL,
    grant_id TEXT NOT NULL,
    scope TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    CONSTRAINT access_tokens_hash PRIMARY KEY (tenant_id, hash),
    FOREIGN KEY (tenant_id, grant_id) REFERENCES grants (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX access_tokens_by_grant ON access_tokens (tenant_id, grant_id);
CREATE INDEX access_tokens_by_expiry ON access_tokens (tenant_id, expires_at);

-- The successor of a rotated token is derived from it with the key `rotation_key_id`, so it need not be stored.
CREATE TABLE refresh_tokens (
    tenant_id TEXT NOT NULL,
    hash TEXT NOT NULL,
    grant_id TEXT NOT NULL,
    rotation_key_id TEXT NOT NULL,
    chain_started_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    consumed_at BIGINT,
    CONSTRAINT refresh_tokens_hash PRIMARY KEY (tenant_id, hash),
    FOREIGN KEY (tenant_id, grant_id) REFERENCES grants (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX refresh_tokens_by_grant ON refresh_tokens (tenant_id, grant_id);
CREATE INDEX refresh_tokens_by_expiry ON refresh_tokens (tenant_id, expires_at);

-- What happened. A row joins the commit of what it records.
CREATE TABLE logs (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    key TEXT NOT NULL,
    payload TEXT NOT NULL,
    user_id TEXT,
    application_id TEXT,
    created_at BIGINT NOT NULL,
    CONSTRAINT logs_id PRIMARY KEY (tenant_id, id)
);
CREATE INDEX logs_by_creation ON logs (tenant_id, created_at, id);
CREATE INDEX logs_by_user ON logs (tenant_id, user_id, created_at);
CREATE INDEX logs_by_application ON logs (tenant_id, application_id, created_at);
