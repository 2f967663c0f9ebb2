import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import LogtoClient, {
  type LogtoConfig,
  Prompt,
  ReservedResource,
  type SignInOptions,
  UserScope,
} from '@logto/node';
import { decodeJwt } from 'jose';
import { Agent } from '../support/agent.ts';
import {
  type Client,
  postLogoutRedirectUri,
  redirectUri,
  resource,
  Stage,
} from '../support/stage.ts';

let stage: Stage;
before(async () => {
  stage = await Stage.open('logto-node');
});
after(() => stage?.close());

/** One person's session in a server-rendered app: the SDK, what it keeps, and the browser it sends away. */
class Session {
  readonly agent = new Agent();
  readonly kept = new Map<string, string>();
  private address: string | undefined;
  readonly sdk: LogtoClient;

  constructor({ id, secret }: Client, config: Partial<LogtoConfig> = {}) {
    const complete = {
      endpoint: stage.server.endpoint,
      appId: id,
      appSecret: secret || undefined,
      scopes: [
        UserScope.Email,
        UserScope.Organizations,
        UserScope.OrganizationRoles,
        'read:orders',
      ],
      resources: [resource],
      ...config,
    };
    this.sdk = new LogtoClient(complete, {
      navigate: (url) => {
        this.address = url;
      },
      storage: {
        getItem: async (key) => this.kept.get(key) ?? null,
        setItem: async (key, value) => void this.kept.set(key, value),
        removeItem: async (key) => void this.kept.delete(key),
      },
    });
  }

  async signIn(options: Partial<SignInOptions> = {}): Promise<void> {
    await this.sdk.signIn({ redirectUri, ...options });
    const { person } = stage;
    const callback = await this.agent.until(redirectUri, this.address!, { person });
    await this.sdk.handleSignInCallback(callback.url);
  }

  async signOut(): Promise<Request> {
    await this.sdk.signOut(postLogoutRedirectUri);
    return this.agent.until(postLogoutRedirectUri, this.address!);
  }

  /** Where the SDK has last sent the browser. */
  get sentTo(): URL {
    return new URL(this.address!);
  }
}

for (const type of ['Traditional', 'Native']) {
  test(`it signs in and out as ${type}`, async () => {
    const client = await stage.register(type);
    const session = new Session(client);
    const { sdk } = session;
    await session.signIn();
    assert.equal(await sdk.isAuthenticated(), true);
    const claims = await sdk.getIdTokenClaims();
    assert.deepEqual(
      [claims.sub, claims.aud, claims.iss],
      [stage.person.id, client.id, stage.server.issuer],
    );
    assert.equal(claims.username, stage.person.username);
    const context = await sdk.getContext({ fetchUserInfo: true, getAccessToken: true, resource });
    assert.equal(context.isAuthenticated, true);
    assert.equal(context.userInfo?.name, 'Ana Souza');
    assert.deepEqual(context.scopes, ['read:orders']);

    const refreshToken = (await sdk.getRefreshToken())!;
    await session.signOut();
    assert.equal(await sdk.isAuthenticated(), false);
    // The SDK keeps errors of revocation to itself.
    session.kept.set('refreshToken', refreshToken);
    session.kept.set('idToken', 'any');
    await assert.rejects(sdk.getAccessToken(resource), { code: 'oidc.invalid_grant' });
    await assert.rejects(new Session(client).sdk.getAccessToken(), { code: 'not_authenticated' });
  });
}

test('it gets tokens for an API, for an organization and for the API within the organization', async () => {
  const session = new Session(await stage.register('Traditional'));
  const { sdk } = session;
  await session.signIn();
  const { organization } = stage;
  const audience = `urn:logto:organization:${organization}`;

  const forApi = await sdk.getAccessTokenClaims(resource);
  assert.deepEqual(
    [forApi.aud, forApi.sub, forApi.scope],
    [resource, stage.person.id, 'read:orders'],
  );
  const forOrganization = await sdk.getOrganizationTokenClaims(organization);
  assert.deepEqual([forOrganization.aud, forOrganization.scope], [audience, 'read:orders']);
  const within = decodeJwt(await sdk.getAccessToken(resource, organization));
  assert.deepEqual([within.aud, within.organization_id], [resource, organization]);
  const info = await sdk.fetchUserInfo();
  assert.deepEqual(info.organizations, [organization]);
  assert.deepEqual(info.organization_roles, [`${organization}:member`]);
  const claims = await sdk.getIdTokenClaims();
  assert.deepEqual(claims.organizations, [organization]);
  await assert.rejects(sdk.getOrganizationToken('elsewhere'), { code: 'oidc.access_denied' });
  await assert.rejects(sdk.getAccessToken('https://nobody.example/'), {
    code: 'oidc.invalid_target',
  });
});

test('parallel requests of one session refresh at once, and the session lives on', async () => {
  const client = await stage.register('Native');
  const session = new Session(client);
  await session.signIn();
  // A server that renders several requests has an SDK each, with the same session.
  const copies = Array.from({ length: 8 }, () => {
    const copy = new Session(client);
    for (const [key, value] of session.kept) {
      copy.kept.set(key, value);
    }
    return copy;
  });
  const tokens = await Promise.all(copies.map(({ sdk }) => sdk.getAccessToken(resource)));
  assert(tokens.every((token) => decodeJwt(token).sub === stage.person.id));
  const spent = session.kept.get('refreshToken');
  const successors = new Set(copies.map(({ kept }) => kept.get('refreshToken')));
  assert(!successors.has(spent), 'a public client’s refresh token rotates');
  for (const copy of copies) {
    await copy.sdk.clearAccessToken();
    assert.equal(decodeJwt(await copy.sdk.getAccessToken(resource)).aud, resource);
  }
});

test('it says which page to show first, and who is expected', async () => {
  const session = new Session(await stage.register('Traditional'));
  await session.sdk.signIn({
    redirectUri,
    loginHint: stage.person.username,
    firstScreen: 'register',
  });
  const page = await session.agent.open(session.sentTo);
  assert.equal(page.url.pathname, '/register');
  await session.sdk.signIn({ redirectUri, loginHint: stage.person.username });
  const signIn = await new Agent().open(session.sentTo);
  assert.match(signIn.text, new RegExp(`value="${stage.person.username}"`));
});

test('it signs in once more without a page, and with one where it asks for that', async () => {
  const session = new Session(await stage.register('Traditional'));
  await session.signIn();
  await session.sdk.signIn({ redirectUri, prompt: Prompt.None });
  const silent = await session.agent.until(redirectUri, session.sentTo);
  await session.sdk.handleSignInCallback(silent.url);
  await session.sdk.signIn({ redirectUri, prompt: Prompt.Login });
  const page = await session.agent.open(session.sentTo);
  assert.match(page.text, /name="password"/);
});

test('an answer of the server that is an error reaches the app as one', async () => {
  const session = new Session(await stage.register('Traditional'));
  await session.sdk.signIn({ redirectUri, prompt: Prompt.None });
  const answer = await session.agent.until(redirectUri, session.sentTo);
  await assert.rejects(
    session.sdk.handleSignInCallback(answer.url),
    (error: Error & { code: string; data: { error: string } }) => {
      assert.deepEqual(
        [error.code, error.data.error],
        ['callback_uri_verification.error_found', 'login_required'],
      );
      return true;
    },
  );
  const wrong = new Session({ ...(await stage.register('Traditional')), secret: 'wrong' });
  await assert.rejects(wrong.signIn(), { code: 'oidc.invalid_client' });
});

test('without a resource it asks for none', async () => {
  const session = new Session(await stage.register('Traditional'), { resources: [], scopes: [] });
  await session.signIn();
  assert.equal((await session.sdk.getAccessToken()).length, 43);
  assert(
    session.sentTo.searchParams
      .getAll('resource')
      .every((asked) => asked !== ReservedResource.Organization),
  );
});
