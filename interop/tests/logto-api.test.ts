import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { createApiClient, createManagementApi } from '@logto/api/management';
import { managementApi, redirectUri, Stage } from '../support/stage.ts';

let stage: Stage;
let api: ReturnType<typeof createApiClient>;
before(async () => {
  stage = await Stage.open('logto-api', { TRINCO_OUTBOUND_ALLOW: '127.0.0.0/8' });
  const { machine } = stage.server;
  const { apiClient } = createManagementApi('default', {
    clientId: machine.id,
    clientSecret: machine.secret,
    baseUrl: stage.server.endpoint,
    apiIndicator: managementApi,
  });
  api = apiClient;
});
after(() => stage?.close());

/** The data of an answer, which must be a success. */
const done = <T>({ data, error, response }: { data?: T; error?: unknown; response: Response }): T => {
  assert.ok(response.ok, `${response.url}: ${response.status} ${JSON.stringify(error)}`);
  return data as T;
};

test('the typed client provisions a whole SaaS', async (t) => {
  // Applications: one people sign in to, one for machines.
  const web = done(
    await api.POST('/api/applications', {
      body: {
        name: 'Dashboard',
        type: 'Traditional',
        // The published types take redirect URIs for objects.
        oidcClientMetadata: { redirectUris: [redirectUri] as never, postLogoutRedirectUris: [] },
      },
    }),
  );
  const worker = done(
    await api.POST('/api/applications', { body: { name: 'Worker', type: 'MachineToMachine' } }),
  );
  const secrets = done(
    await api.GET('/api/applications/{id}/secrets', { params: { path: { id: worker.id } } }),
  );
  assert.equal(secrets[0]!.value.length, 32);

  // An API with permissions, and roles for people and machines.
  const resource = done(
    await api.POST('/api/resources', {
      body: { name: 'Invoices', indicator: 'https://invoices.saas.example' },
    }),
  );
  const scopes = [];
  for (const name of ['read:invoices', 'write:invoices']) {
    scopes.push(
      done(
        await api.POST('/api/resources/{resourceId}/scopes', {
          params: { path: { resourceId: resource.id } },
          body: { name },
        }),
      ),
    );
  }
  const support = done(
    await api.POST('/api/roles', {
      body: { name: 'support', description: 'Helps', scopeIds: [scopes[0]!.id] },
    }),
  );
  const machine = done(
    await api.POST('/api/roles', {
      body: {
        name: 'biller',
        description: 'Bills',
        type: 'MachineToMachine',
        scopeIds: scopes.map(({ id }) => id),
      },
    }),
  );
  done(
    await api.POST('/api/applications/{applicationId}/roles', {
      params: { path: { applicationId: worker.id } },
      body: { roleIds: [machine.id] },
    }),
  );

  // What customers may do in their organization.
  const permission = done(
    await api.POST('/api/organization-scopes', { body: { name: 'manage:members' } }),
  );
  const owner = done(
    await api.POST('/api/organization-roles', {
      body: {
        name: 'owner',
        organizationScopeIds: [permission.id],
        resourceScopeIds: scopes.map(({ id }) => id),
      },
    }),
  );
  const user = done(
    await api.POST('/api/users', {
      body: { username: 'olga', primaryEmail: 'olga@customer.example', password: 'long enough 1' },
    }),
  );
  done(
    await api.POST('/api/users/{userId}/roles', {
      params: { path: { userId: user.id } },
      body: { roleIds: [support.id] },
    }),
  );
  const customer = done(
    await api.POST('/api/organizations', {
      body: { name: 'Customer', customData: { plan: 'gold' } },
    }),
  );
  const { id } = customer;
  done(
    await api.POST('/api/organizations/{id}/users', {
      params: { path: { id } },
      body: { userIds: [user.id] },
    }),
  );
  done(
    await api.POST('/api/organizations/{id}/users/{userId}/roles', {
      params: { path: { id, userId: user.id } },
      body: { organizationRoleIds: [owner.id] },
    }),
  );
  done(
    await api.POST('/api/organizations/{id}/jit/email-domains', {
      params: { path: { id } },
      body: { emailDomain: 'customer.example' },
    }),
  );

  // How it sends e-mail.
  const factories = done(await api.GET('/api/connector-factories'));
  assert.ok(factories.some((factory) => factory.id === 'simple-mail-transfer-protocol'));
  const received: { path: string; body: string; signature?: string }[] = [];
  const listener = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      const signature = request.headers['logto-signature-sha-256'] as string | undefined;
      received.push({ path: request.url!, body, signature });
      response.end('{}');
    });
  }).listen(0, '127.0.0.1');
  t.after(() => listener.close());
  await new Promise((resolve) => listener.once('listening', resolve));
  const receiver = `http://127.0.0.1:${(listener.address() as AddressInfo).port}`;
  const connector = done(
    await api.POST('/api/connectors', {
      body: {
        connectorId: 'http-email',
        config: { endpoint: `${receiver}/mail`, authorization: 'Bearer mail' },
      },
    }),
  );
  assert.equal(connector.connectorId, 'http-email');

  // An invitation reaches the person invited.
  const invitation = done(
    await api.POST('/api/organization-invitations', {
      body: {
        organizationId: id,
        invitee: 'new@customer.example',
        inviterId: user.id,
        expiresAt: Date.now() + 86_400_000,
        organizationRoleIds: [owner.id],
        messagePayload: { code: '123456', link: 'https://saas.example/join' },
      },
    }),
  );
  assert.equal(invitation.status, 'Pending');
  const mail = received.find(({ path }) => path === '/mail');
  assert.match(mail?.body ?? '', /new@customer\.example/);

  // A webhook tells of what happens next.
  const hook = done(
    await api.POST('/api/hooks', {
      body: {
        name: 'Sync',
        events: ['Organization.Created', 'User.Created'],
        config: { url: `${receiver}/hook`, headers: { 'x-source': 'trinco' } },
        enabled: true,
      },
    }),
  );
  done(await api.POST('/api/users', { body: { username: 'piotr' } }));
  const told = async () => received.find(({ path }) => path === '/hook');
  for (let tries = 0; tries < 100 && !(await told()); tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const event = await told();
  const payload = JSON.parse(event?.body ?? '{}');
  assert.equal(payload.event, 'User.Created');
  assert.equal(payload.hookId, hook.id);
  assert.match(event?.signature ?? '', /^[0-9a-f]{64}$/);

  // Lists know how many there are.
  const { response } = await api.GET('/api/users', { params: { query: { page: 1, page_size: 1 } } });
  assert.ok(Number(response.headers.get('total-number')) >= 3);
  done(await api.DELETE('/api/applications/{id}', { params: { path: { id: web.id } } }));
});

test('the typed client is told what is wrong', async () => {
  const { error, response } = await api.POST('/api/roles', {
    body: { name: '', description: 'x' },
  });
  assert.equal(response.status, 400);
  const { code, data } = error as unknown as { code: string; data: { issues: unknown[] } };
  assert.equal(code, 'guard.invalid_input');
  assert.deepEqual(data.issues.map((issue) => (issue as { path: string[] }).path), [['name']]);
});
