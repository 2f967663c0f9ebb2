-- Texts of the pages in place of, or besides, the built-in ones: a row for each language.
CREATE TABLE custom_phrases (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    language_tag TEXT NOT NULL,
    translation TEXT NOT NULL,
    CONSTRAINT custom_phrases_language_tag PRIMARY KEY (tenant_id, language_tag)
);

-- What people may see and change of their own accounts: a JSON document. No row: what a new tenant has.
CREATE TABLE account_centers (
    tenant_id TEXT NOT NULL,
    value TEXT NOT NULL,
    CONSTRAINT account_centers_pk PRIMARY KEY (tenant_id)
);

-- Who tells people from machines. A tenant has one at most; `secret_sealed` is the key its answers are checked with.
CREATE TABLE captcha_providers (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    config TEXT NOT NULL,
    secret_sealed TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CONSTRAINT captcha_providers_pk PRIMARY KEY (tenant_id)
);

CREATE TABLE custom_profile_fields (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    label TEXT NOT NULL,
    description TEXT,
    required BOOLEAN NOT NULL,
    config TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    sie_order BIGINT NOT NULL,
    CONSTRAINT custom_profile_fields_name PRIMARY KEY (tenant_id, name)
);

-- Scripts at steps of signing in. Their environment variables, a JSON object, are sealed.
CREATE TABLE actions (
    tenant_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    script TEXT NOT NULL,
    environment_variables TEXT,
    context_sample TEXT,
    enabled BOOLEAN,
    on_execution_error TEXT,
    CONSTRAINT actions_kind PRIMARY KEY (tenant_id, kind)
);

-- Own domains. `challenge` is what this installation answers below the domain, so that it can be told from any other server.
CREATE TABLE domains (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    domain TEXT NOT NULL,
    status TEXT NOT NULL,
    error_message TEXT,
    challenge TEXT NOT NULL,
    verification_files TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CONSTRAINT domains_id PRIMARY KEY (tenant_id, id),
    CONSTRAINT domains_domain UNIQUE (tenant_id, domain)
);

CREATE TABLE saml_application_configs (
    tenant_id TEXT NOT NULL,
    application_id TEXT NOT NULL,
    attribute_mapping TEXT NOT NULL,
    entity_id TEXT,
    acs_url TEXT,
    encryption TEXT,
    name_id_format TEXT NOT NULL,
    CONSTRAINT saml_application_configs_application_id PRIMARY KEY (tenant_id, application_id),
    FOREIGN KEY (tenant_id, application_id) REFERENCES applications (tenant_id, id) ON DELETE CASCADE
);

-- Signing certificates of SAML applications; the private key is sealed.
CREATE TABLE saml_application_secrets (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    application_id TEXT NOT NULL,
    private_key_sealed TEXT NOT NULL,
    certificate TEXT NOT NULL,
    active BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    CONSTRAINT saml_application_secrets_id PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, application_id) REFERENCES applications (tenant_id, id) ON DELETE CASCADE
);

CREATE INDEX saml_application_secrets_by_application ON saml_application_secrets (tenant_id, application_id);
