-- The webhook that an entry of the audit log is about, and whether it took the request. Those entries are the deliveries of the webhook,
-- and no part of the audit view.
ALTER TABLE logs ADD COLUMN hook_id TEXT;
ALTER TABLE logs ADD COLUMN succeeded BOOLEAN;
-- Pages are found and counted in these alone, so that a page costs no reading of the entries before it.
DROP INDEX logs_by_creation;
DROP INDEX logs_by_user;
DROP INDEX logs_by_application;
CREATE INDEX logs_by_creation ON logs (tenant_id, created_at, id, hook_id);
CREATE INDEX logs_by_user ON logs (tenant_id, user_id, created_at, id, hook_id);
CREATE INDEX logs_by_application ON logs (tenant_id, application_id, created_at, id, hook_id);
CREATE INDEX logs_by_key ON logs (tenant_id, key, created_at, id, hook_id);
CREATE INDEX logs_by_hook ON logs (tenant_id, hook_id, created_at, id, succeeded) WHERE hook_id IS NOT NULL;

-- Who is made a member of an organization when they sign up: by the domain of their e-mail address, and by the identity provider they
-- come from. The roles are what they get then. A connector that is gone is left out by whoever reads.
CREATE TABLE organization_jit_email_domains (
    tenant_id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    email_domain TEXT NOT NULL,
    CONSTRAINT organization_jit_email_domains_organization_id_email_domain
        PRIMARY KEY (tenant_id, organization_id, email_domain),
    FOREIGN KEY (tenant_id, organization_id) REFERENCES organizations (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX organization_jit_email_domains_by_domain ON organization_jit_email_domains (tenant_id, email_domain);

CREATE TABLE organization_jit_roles (
    tenant_id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    organization_role_id TEXT NOT NULL,
    CONSTRAINT organization_jit_roles_pk PRIMARY KEY (tenant_id, organization_id, organization_role_id),
    FOREIGN KEY (tenant_id, organization_id) REFERENCES organizations (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, organization_role_id) REFERENCES organization_roles (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX organization_jit_roles_by_role ON organization_jit_roles (tenant_id, organization_role_id);

CREATE TABLE organization_jit_sso_connectors (
    tenant_id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    sso_connector_id TEXT NOT NULL,
    CONSTRAINT organization_jit_sso_connectors_pk PRIMARY KEY (tenant_id, organization_id, sso_connector_id),
    FOREIGN KEY (tenant_id, organization_id) REFERENCES organizations (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX organization_jit_sso_connectors_by_connector ON organization_jit_sso_connectors (tenant_id, sso_connector_id);

-- Invitations into an organization by e-mail. `status` is Pending, Accepted, Expired or Revoked; one that waits beyond `expires_at`
-- has expired, whether that has been noted or not. `invitee_folded` is the address in lower case.
CREATE TABLE organization_invitations (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    inviter_id TEXT,
    invitee TEXT NOT NULL,
    invitee_folded TEXT NOT NULL,
    accepted_user_id TEXT,
    status TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    CONSTRAINT organization_invitations_id PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, organization_id) REFERENCES organizations (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, inviter_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, accepted_user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX organization_invitations_by_organization ON organization_invitations (tenant_id, organization_id, created_at);
CREATE INDEX organization_invitations_by_inviter ON organization_invitations (tenant_id, inviter_id);
CREATE INDEX organization_invitations_by_invitee ON organization_invitations (tenant_id, invitee_folded);
CREATE INDEX organization_invitations_by_accepted_user ON organization_invitations (tenant_id, accepted_user_id);
-- One invitation of a person into an organization waits at a time, whatever happens at once.
CREATE UNIQUE INDEX organization_invitations_organization_id_invitee_folded
    ON organization_invitations (tenant_id, organization_id, invitee_folded) WHERE status = 'Pending';

CREATE TABLE organization_invitation_roles (
    tenant_id TEXT NOT NULL,
    invitation_id TEXT NOT NULL,
    organization_role_id TEXT NOT NULL,
    CONSTRAINT organization_invitation_roles_pk PRIMARY KEY (tenant_id, invitation_id, organization_role_id),
    FOREIGN KEY (tenant_id, invitation_id) REFERENCES organization_invitations (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, organization_role_id) REFERENCES organization_roles (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX organization_invitation_roles_by_role ON organization_invitation_roles (tenant_id, organization_role_id);

-- Who is told of events. `config` (where to, with which headers) and `signing_key` are sealed.
CREATE TABLE hooks (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    event TEXT,
    events TEXT NOT NULL,
    config TEXT NOT NULL,
    signing_key TEXT NOT NULL,
    enabled BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT hooks_id PRIMARY KEY (tenant_id, id)
);

-- What is to be told to others, by HTTP: the ends of sessions to applications, events to webhooks. A row outlives what it tells of, and
-- who is told: a receiver that is gone is noticed when its turn comes, so that its deletion stops nobody from telling it. `attempts` is
-- the fencing token: whoever raises it delivers, and only the one who raised it last settles the row. Of what is due, the lowest
-- `rank` goes first.
CREATE TABLE deliveries (
    tenant_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    receiver TEXT NOT NULL,
    id TEXT NOT NULL,
    content TEXT NOT NULL,
    rank BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    next_attempt_at BIGINT NOT NULL,
    CONSTRAINT deliveries_pk PRIMARY KEY (tenant_id, kind, receiver, id)
);
CREATE INDEX deliveries_by_receiver ON deliveries (tenant_id, kind, receiver, next_attempt_at, rank, id);
CREATE INDEX deliveries_by_time ON deliveries (tenant_id, next_attempt_at, kind, receiver, id);
INSERT INTO deliveries (tenant_id, kind, receiver, id, content, rank, attempts, next_attempt_at)
    SELECT tenant_id, 'logout', client_id, session_id, user_id, 0, attempts, next_attempt_at FROM logout_deliveries;
DROP TABLE logout_deliveries;
