-- What a third-party application may ask users for: the four lists of its consent scopes.
CREATE TABLE application_user_consent_user_scopes (
    tenant_id TEXT NOT NULL,
    application_id TEXT NOT NULL,
    user_scope TEXT NOT NULL,
    CONSTRAINT application_user_consent_user_scopes_pk PRIMARY KEY (tenant_id, application_id, user_scope),
    FOREIGN KEY (tenant_id, application_id) REFERENCES applications (tenant_id, id) ON DELETE CASCADE
);

CREATE TABLE application_user_consent_resource_scopes (
    tenant_id TEXT NOT NULL,
    application_id TEXT NOT NULL,
    scope_id TEXT NOT NULL,
    CONSTRAINT application_user_consent_resource_scopes_pk PRIMARY KEY (tenant_id, application_id, scope_id),
    FOREIGN KEY (tenant_id, application_id) REFERENCES applications (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, scope_id) REFERENCES scopes (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX application_user_consent_resource_scopes_by_scope
    ON application_user_consent_resource_scopes (tenant_id, scope_id);

CREATE TABLE application_user_consent_organization_scopes (
    tenant_id TEXT NOT NULL,
    application_id TEXT NOT NULL,
    organization_scope_id TEXT NOT NULL,
    CONSTRAINT application_user_consent_organization_scopes_pk
        PRIMARY KEY (tenant_id, application_id, organization_scope_id),
    FOREIGN KEY (tenant_id, application_id) REFERENCES applications (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, organization_scope_id) REFERENCES organization_scopes (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX application_user_consent_organization_scopes_by_scope
    ON application_user_consent_organization_scopes (tenant_id, organization_scope_id);

CREATE TABLE application_user_consent_organization_resource_scopes (
    tenant_id TEXT NOT NULL,
    application_id TEXT NOT NULL,
    scope_id TEXT NOT NULL,
    CONSTRAINT application_user_consent_organization_resource_scopes_pk
        PRIMARY KEY (tenant_id, application_id, scope_id),
    FOREIGN KEY (tenant_id, application_id) REFERENCES applications (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, scope_id) REFERENCES scopes (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX application_user_consent_organization_resource_scopes_by_scope
    ON application_user_consent_organization_resource_scopes (tenant_id, scope_id);

-- What a user has allowed a third-party application, whatever became of the grants: it is asked for once.
CREATE TABLE consents (
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    application_id TEXT NOT NULL,
    scope TEXT NOT NULL,
    resources TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    CONSTRAINT consents_pk PRIMARY KEY (tenant_id, user_id, application_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, application_id) REFERENCES applications (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX consents_by_application ON consents (tenant_id, application_id);

-- The organizations a user lets a third-party application see and act in. Leaving an organization takes it back.
CREATE TABLE application_user_consent_organizations (
    tenant_id TEXT NOT NULL,
    application_id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    CONSTRAINT application_user_consent_organizations_pk
        PRIMARY KEY (tenant_id, application_id, organization_id, user_id),
    FOREIGN KEY (tenant_id, application_id) REFERENCES applications (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, organization_id, user_id)
        REFERENCES organization_users (tenant_id, organization_id, user_id) ON DELETE CASCADE
);
CREATE INDEX application_user_consent_organizations_by_member
    ON application_user_consent_organizations (tenant_id, organization_id, user_id);

-- Who may use an application whose access control is on: any one row that fits is enough.
CREATE TABLE application_access_users (
    tenant_id TEXT NOT NULL,
    application_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    CONSTRAINT application_access_users_pk PRIMARY KEY (tenant_id, application_id, user_id),
    FOREIGN KEY (tenant_id, application_id) REFERENCES applications (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX application_access_users_by_user ON application_access_users (tenant_id, user_id);

CREATE TABLE application_access_user_roles (
    tenant_id TEXT NOT NULL,
    application_id TEXT NOT NULL,
    role_id TEXT NOT NULL,
    CONSTRAINT application_access_user_roles_pk PRIMARY KEY (tenant_id, application_id, role_id),
    FOREIGN KEY (tenant_id, application_id) REFERENCES applications (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, role_id) REFERENCES roles (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX application_access_user_roles_by_role ON application_access_user_roles (tenant_id, role_id);

CREATE TABLE application_access_organizations (
    tenant_id TEXT NOT NULL,
    application_id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    CONSTRAINT application_access_organizations_pk PRIMARY KEY (tenant_id, application_id, organization_id),
    FOREIGN KEY (tenant_id, application_id) REFERENCES applications (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, organization_id) REFERENCES organizations (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX application_access_organizations_by_organization
    ON application_access_organizations (tenant_id, organization_id);

CREATE TABLE application_access_organization_roles (
    tenant_id TEXT NOT NULL,
    application_id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    organization_role_id TEXT NOT NULL,
    CONSTRAINT application_access_organization_roles_pk
        PRIMARY KEY (tenant_id, application_id, organization_id, organization_role_id),
    FOREIGN KEY (tenant_id, application_id) REFERENCES applications (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, organization_id) REFERENCES organizations (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, organization_role_id) REFERENCES organization_roles (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX application_access_organization_roles_by_organization
    ON application_access_organization_roles (tenant_id, organization_id);
CREATE INDEX application_access_organization_roles_by_role
    ON application_access_organization_roles (tenant_id, organization_role_id);

-- How the pages look and whom they name while someone signs in to an application: read whole, replaced whole.
CREATE TABLE application_sign_in_experiences (
    tenant_id TEXT NOT NULL,
    application_id TEXT NOT NULL,
    value TEXT NOT NULL,
    CONSTRAINT application_sign_in_experiences_pk PRIMARY KEY (tenant_id, application_id),
    FOREIGN KEY (tenant_id, application_id) REFERENCES applications (tenant_id, id) ON DELETE CASCADE
);

CREATE INDEX grants_by_user_and_client ON grants (tenant_id, user_id, client_id, created_at);
