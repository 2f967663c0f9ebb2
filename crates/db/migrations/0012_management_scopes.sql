-- Permissions of the Management API for a part of it, so that a token can be limited; and the role of the people who run the default
-- tenant. New tenants get both when they are created.
INSERT INTO scopes (tenant_id, id, resource_id, name, description, created_at)
SELECT resources.tenant_id,
       CASE resources.id WHEN 'management-api' THEN 'm-' ELSE 'd-' END || names.id,
       resources.id, names.name, names.description, resources.created_at
FROM resources
JOIN (
    SELECT 'read' AS id, 'read' AS name, 'See everything but secrets' AS description
    UNION ALL SELECT 'read-applications', 'read:applications', 'See applications, without secrets'
    UNION ALL SELECT 'write-applications', 'write:applications', 'See and change applications'
    UNION ALL SELECT 'read-configs', 'read:configs', 'See keys, scripts and protocol settings, without secrets'
    UNION ALL SELECT 'write-configs', 'write:configs', 'See and change keys, scripts and protocol settings'
    UNION ALL SELECT 'read-hooks', 'read:hooks', 'See webhooks, without secrets'
    UNION ALL SELECT 'write-hooks', 'write:hooks', 'See and change webhooks'
    UNION ALL SELECT 'read-logs', 'read:logs', 'See the audit log, without secrets'
    UNION ALL SELECT 'read-organizations', 'read:organizations', 'See organizations, without secrets'
    UNION ALL SELECT 'write-organizations', 'write:organizations', 'See and change organizations'
    UNION ALL SELECT 'read-roles', 'read:roles', 'See API resources and roles, without secrets'
    UNION ALL SELECT 'write-roles', 'write:roles', 'See and change API resources and roles'
    UNION ALL SELECT 'read-sign-in', 'read:sign-in', 'See how people sign in, without secrets'
    UNION ALL SELECT 'write-sign-in', 'write:sign-in', 'See and change how people sign in'
    UNION ALL SELECT 'read-users', 'read:users', 'See users, without secrets'
    UNION ALL SELECT 'write-users', 'write:users', 'See and change users'
) AS names ON resources.id IN ('management-api', 'mapi-default');

INSERT INTO roles (tenant_id, id, name, description, type, is_default, created_at)
SELECT tenant_id, 'default-admin', 'default:admin', 'Runs the tenant default', 'User', FALSE, created_at
FROM resources
WHERE tenant_id = 'admin' AND id = 'mapi-default'
  AND NOT EXISTS (SELECT 1 FROM roles AS held WHERE held.tenant_id = 'admin' AND held.name = 'default:admin');

INSERT INTO role_scopes (tenant_id, role_id, scope_id)
SELECT tenant_id, 'default-admin', 'mapi-default-all' FROM roles WHERE tenant_id = 'admin' AND id = 'default-admin';

UPDATE config_versions SET version = version + 1 WHERE section IN ('resources', 'roles');
