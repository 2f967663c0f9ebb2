// Creates on the server what this app needs, through the Management API. It looks before it
// creates, so running it again changes nothing.
//
//   npm run provision                       the API resource, its permission and a role with it
//   npm run provision -- --user ana         … and gives ana, who already has an account, the role
//   npm run provision -- --organization Acme --member ana
//                                           … and makes ana a member of the organization
//
// LOGTO_ENDPOINT says where the server is; LOGTO_M2M_APP_ID and LOGTO_M2M_APP_SECRET are what
// `trinco init` printed. API_RESOURCE names another API.

import { parseArgs } from 'node:util';

const permission = 'read:orders';

async function main() {
  const { user, organization, member } = options();
  const api = await connect(setting('LOGTO_ENDPOINT').replace(/\/+$/, ''));
  // Looked up first, so that a mistyped name leaves nothing half done.
  const [shopper, colleague] = [await userId(api, user), await userId(api, member)];

  const role = await createApi(api, process.env.API_RESOURCE || 'https://shopping.your-app.com/api');
  if (shopper) {
    await api.assign(`/api/users/${shopper}/roles`, 'roleIds', role);
    console.log(`User ${user} has the role shopper.`);
  }
  if (organization) {
    const id = await createOrganization(api, organization, colleague);
    console.log(`Organization ${organization} (${id}): ${member} is a member.`);
  }
}

// region api
/** The API resource, its permission, and a role with it that everybody who registers gets. */
async function createApi(api, indicator) {
  const resource = await api.ensure('/api/resources', { indicator }, { name: 'Shopping' });
  const scopes = `/api/resources/${resource.id}/scopes`;
  const scope = await api.ensure(scopes, { name: permission }, { description: 'see orders' });

  const role = await api.ensure(
    '/api/roles',
    { name: 'shopper', type: 'User' },
    { description: 'May see orders.', isDefault: true },
  );
  if (!role.isDefault) {
    await api.call('PATCH', `/api/roles/${role.id}`, { isDefault: true });
  }
  await api.assign(`/api/roles/${role.id}/scopes`, 'scopeIds', scope.id);
  console.log(`API resource ${indicator}: the role shopper has ${permission}.`);
  return role.id;
}
// endregion

// region organization
/** The organization with one member, whose role there has a permission of the same name. */
async function createOrganization(api, name, member) {
  // Permissions and roles are a template: every organization has the same ones.
  const scope = await api.ensure('/api/organization-scopes', { name: permission });
  const role = await api.ensure('/api/organization-roles', { name: 'member' });
  const roleScopes = `/api/organization-roles/${role.id}/scopes`;
  await api.assign(roleScopes, 'organizationScopeIds', scope.id);

  const { id } = await api.ensure('/api/organizations', { name });
  const users = `/api/organizations/${id}/users`;
  await api.assign(users, 'userIds', member);
  await api.assign(`${users}/${member}/roles`, 'organizationRoleIds', role.id);
  return id;
}
// endregion

async function userId(api, username) {
  if (!username) {
    return undefined;
  }
  const found = await api.find('/api/users', { username });
  if (!found) {
    throw new Error(`There is no user ${username}: create the account first.`);
  }
  return found.id;
}

function options() {
  const text = { type: 'string' };
  const { values } = parseArgs({ options: { user: text, organization: text, member: text } });
  if (Object.values(values).includes('')) {
    throw new Error('An option has no value.');
  }
  if (!values.organization !== !values.member) {
    throw new Error('--organization and --member go together.');
  }
  return values;
}

function setting(name) {
  const value = process.env[name];
  if (!value) {
    throw new Error(`${name} is not set.`);
  }
  return value;
}

// region connect
/** The Management API, with an access token for it: client credentials, RFC 6749 §4.4. */
async function connect(endpoint) {
  const credentials = `${setting('LOGTO_M2M_APP_ID')}:${setting('LOGTO_M2M_APP_SECRET')}`;
  const { access_token: token } = await send(`${endpoint}/oidc/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` },
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      resource: 'https://default.logto.app/api',
      scope: 'all',
    }),
  });
  return new ManagementApi(endpoint, token);
}
// endregion

class ManagementApi {
  constructor(endpoint, token) {
    this.endpoint = endpoint;
    this.headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  }

  call(method, path, body) {
    const init = { method, headers: this.headers, body: body && JSON.stringify(body) };
    return send(this.endpoint + path, init);
  }

  /** The first item of a collection with these fields. */
  async find(collection, fields) {
    for (let page = 1; ; page += 1) {
      const items = await this.call('GET', `${collection}?page=${page}&page_size=100`);
      const found = items.find((item) =>
        Object.entries(fields).every(([name, value]) => item[name] === value),
      );
      if (found || items.length < 100) {
        return found;
      }
    }
  }

  /** The item with these fields; one that is not there is created with `more`. */
  async ensure(collection, fields, more) {
    return (
      (await this.find(collection, fields)) ??
      (await this.call('POST', collection, { ...fields, ...more }))
    );
  }

  /** Adds an id to a collection of relations, unless it is there. */
  async assign(collection, field, id) {
    if (!(await this.find(collection, { id }))) {
      await this.call('POST', collection, { [field]: [id] });
    }
  }
}

/** The body of an answer; anything but success is an error of one sentence. */
async function send(url, init) {
  let response;
  try {
    response = await fetch(url, init);
  } catch {
    throw new Error(`Nothing answers at ${url}: is the server running, and LOGTO_ENDPOINT right?`);
  }
  const text = await response.text();
  if (response.ok) {
    // Some calls answer with nothing, some with the word `Created`.
    return /^[[{]/.test(text) ? JSON.parse(text) : undefined;
  }
  if (url.endsWith('/oidc/token') && text.includes('invalid_client')) {
    throw new Error('The server does not know LOGTO_M2M_APP_ID with LOGTO_M2M_APP_SECRET.');
  }
  const { pathname } = new URL(url);
  throw new Error(`${init.method} ${pathname} answered ${response.status}: ${text.slice(0, 300)}`);
}

main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
