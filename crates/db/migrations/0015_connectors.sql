-- Connectors: the services that carry messages and sign people in. `slot` is what a connector occupies: all e-mail, all text messages, or
-- a social target on a platform. The configuration, a JSON object, is sealed: it holds keys of other services.
CREATE TABLE connectors (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    connector_id TEXT NOT NULL,
    slot TEXT NOT NULL,
    config TEXT NOT NULL,
    metadata TEXT NOT NULL,
    sync_profile BOOLEAN NOT NULL,
    enable_token_storage BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT connectors_id PRIMARY KEY (tenant_id, id),
    CONSTRAINT connectors_slot UNIQUE (tenant_id, slot)
);

-- What e-mail says, by language and occasion.
CREATE TABLE email_templates (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    language_tag TEXT NOT NULL,
    template_type TEXT NOT NULL,
    details TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT email_templates_id PRIMARY KEY (tenant_id, id),
    CONSTRAINT email_templates_language_tag_template_type UNIQUE (tenant_id, language_tag, template_type)
);

-- Messages sent to a recipient, counted until `expires_at`. `recipient` is a hash.
CREATE TABLE message_counts (
    tenant_id TEXT NOT NULL,
    recipient TEXT NOT NULL,
    sent BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    CONSTRAINT message_counts_recipient PRIMARY KEY (tenant_id, recipient)
);
CREATE INDEX message_counts_by_expiry ON message_counts (tenant_id, expires_at);

-- The verification code last sent to a recipient for a purpose: `target` is the hash of both. The code is sealed, not hashed: with a
-- million codes to try, a hash would hide nothing.
CREATE TABLE verification_codes (
    tenant_id TEXT NOT NULL,
    target TEXT NOT NULL,
    id TEXT NOT NULL,
    code TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    CONSTRAINT verification_codes_target PRIMARY KEY (tenant_id, target)
);
CREATE INDEX verification_codes_by_expiry ON verification_codes (tenant_id, expires_at);

-- Connectors to the identity providers of companies. The configuration is sealed.
CREATE TABLE sso_connectors (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    provider_name TEXT NOT NULL,
    connector_name TEXT NOT NULL,
    config TEXT NOT NULL,
    branding TEXT NOT NULL,
    sync_profile BOOLEAN NOT NULL,
    enable_token_storage BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT sso_connectors_id PRIMARY KEY (tenant_id, id),
    CONSTRAINT sso_connectors_connector_name UNIQUE (tenant_id, connector_name)
);

-- Whose e-mail domain it is: one connector's.
CREATE TABLE sso_connector_domains (
    tenant_id TEXT NOT NULL,
    domain TEXT NOT NULL,
    connector_id TEXT NOT NULL,
    position BIGINT NOT NULL,
    CONSTRAINT sso_connector_domains_domain PRIMARY KEY (tenant_id, domain),
    CONSTRAINT sso_connector_domains_connector FOREIGN KEY (tenant_id, connector_id)
        REFERENCES sso_connectors (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX sso_connector_domains_by_connector ON sso_connector_domains (tenant_id, connector_id);

-- Keys that sign requests to SAML identity providers. The private key (PKCS#8) is sealed, the certificate PEM. One of a connector is active.
CREATE TABLE sso_signing_keys (
    tenant_id TEXT NOT NULL,
    connector_id TEXT NOT NULL,
    id TEXT NOT NULL,
    private_key TEXT NOT NULL,
    certificate TEXT NOT NULL,
    active BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    CONSTRAINT sso_signing_keys_id PRIMARY KEY (tenant_id, connector_id, id),
    CONSTRAINT sso_signing_keys_connector FOREIGN KEY (tenant_id, connector_id)
        REFERENCES sso_connectors (tenant_id, id) ON DELETE CASCADE
);
