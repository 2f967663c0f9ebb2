-- Clients that nobody here has vetted: they register themselves (RFC 7591), or are known by a document about them.

-- Who says what an application is: 'operator'; 'registration', the application itself; 'document': a client whose id is the URL of
-- its metadata document. The latter has a row for what users allow it to hang on. That row is no configuration, so that a stranger's
-- client moves no version and fills nobody's memory; its created_at is when the client was last seen.
ALTER TABLE applications ADD COLUMN provenance TEXT NOT NULL DEFAULT 'operator';
CREATE INDEX applications_by_provenance ON applications (tenant_id, provenance, created_at);

-- What is kept of a registration beside the application it made. `used_at` is when a user last let it in.
CREATE TABLE client_registrations (
    tenant_id TEXT NOT NULL,
    application_id TEXT NOT NULL,
    auth_method TEXT NOT NULL,
    token_hash TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    used_at BIGINT,
    CONSTRAINT client_registrations_application_id PRIMARY KEY (tenant_id, application_id),
    FOREIGN KEY (tenant_id, application_id) REFERENCES applications (tenant_id, id) ON DELETE CASCADE
);

-- How many registrations an hour has seen, those included that are gone again.
CREATE TABLE registration_hours (
    tenant_id TEXT NOT NULL,
    hour BIGINT NOT NULL,
    registrations BIGINT NOT NULL,
    CONSTRAINT registration_hours_hour PRIMARY KEY (tenant_id, hour)
);

-- Who holds one may register a client. Only the hash is kept.
CREATE TABLE initial_access_tokens (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    token_hash TEXT NOT NULL,
    uses BIGINT NOT NULL,
    max_uses BIGINT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    CONSTRAINT initial_access_tokens_id PRIMARY KEY (tenant_id, id),
    CONSTRAINT initial_access_tokens_token_hash UNIQUE (tenant_id, token_hash)
);
