import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as oidc from 'openid-client';
import { Agent } from '../support/agent.ts';
import {
  type Client,
  managementApi,
  postLogoutRedirectUri,
  redirectUri,
  resource,
  Stage,
} from '../support/stage.ts';

let stage: Stage;
before(async () => {
  stage = await Stage.open('openid-client');
});
after(() => stage?.close());

const scope = 'openid offline_access profile read:orders';

async function discover(
  { id, secret }: Client,
  authentication?: oidc.ClientAuth,
): Promise<oidc.Configuration> {
  const execute = [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks];
  const issuer = new URL(stage.server.issuer);
  const clientAuthentication = authentication ?? (secret ? undefined : oidc.None());
  return oidc.discovery(issuer, id, secret || undefined, clientAuthentication, { execute });
}

type Options = {
  /** Further parameters of the authorization request. */
  parameters?: Record<string, string>;
  pushed?: boolean;
  dpop?: oidc.DPoPHandle;
  agent?: Agent;
};

/** The authorization code flow with everything the library can check: PKCE, state, nonce, `iss`, `auth_time`. */
async function signIn(config: oidc.Configuration, options: Options = {}) {
  const { parameters, pushed, dpop, agent = new Agent() } = options;
  const pkceCodeVerifier = oidc.randomPKCECodeVerifier();
  const [expectedState, expectedNonce] = [oidc.randomState(), oidc.randomNonce()];
  const request = {
    redirect_uri: redirectUri,
    scope,
    prompt: 'consent',
    resource,
    max_age: '600',
    code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
    state: expectedState,
    nonce: expectedNonce,
    ...parameters,
  };
  const url = pushed
    ? await oidc.buildAuthorizationUrlWithPAR(config, request, { DPoP: dpop })
    : oidc.buildAuthorizationUrl(config, request);
  const response = await agent.until(redirectUri, url, { person: stage.person });
  const checks = {
    pkceCodeVerifier,
    expectedState,
    expectedNonce,
    maxAge: 600,
    idTokenExpected: true,
  };
  // A form post is handed over as a request, anything else as an address.
  const answer = response.method === 'POST' ? response : new URL(response.url);
  return oidc.authorizationCodeGrant(config, answer, checks, undefined, { DPoP: dpop });
}

/** Whether the server shows its sign-in page no more: asked without one, it would have to. */
async function isSignedIn(agent: Agent, config: oidc.Configuration): Promise<boolean> {
  const pkceCodeVerifier = oidc.randomPKCECodeVerifier();
  const expectedState = oidc.randomState();
  const url = oidc.buildAuthorizationUrl(config, {
    redirect_uri: redirectUri,
    scope: 'openid',
    prompt: 'none',
    code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
    state: expectedState,
  });
  const { url: answer } = await agent.until(redirectUri, url);
  const checks = { pkceCodeVerifier, expectedState };
  return oidc.authorizationCodeGrant(config, new URL(answer), checks).then(
    () => true,
    (error: unknown) => {
      // The library has compared `state` and `iss` before it throws this.
      assert(error instanceof oidc.AuthorizationResponseError, String(error));
      assert.equal(error.error, 'login_required');
      return false;
    },
  );
}

function keyPair(alg: string): Promise<CryptoKeyPair> {
  return oidc.randomDPoPKeyPair(alg, { extractable: true });
}

async function publicJwk({ publicKey }: CryptoKeyPair, alg: string): Promise<JsonWebKey> {
  return { ...(await crypto.subtle.exportKey('jwk', publicKey)), alg, use: 'sig' };
}

/** A client that authenticates with a key. */
async function keyClient(type: string, alg: string, more = {}) {
  const keys = await keyPair(alg);
  const client = await stage.registerWithKey(type, await publicJwk(keys, alg), more);
  return { client, authentication: oidc.PrivateKeyJwt(keys.privateKey) };
}

/** What a client does with its tokens, to the end: userinfo, refresh, introspection, revocation. */
async function useTokens(
  config: oidc.Configuration,
  tokens: oidc.TokenEndpointResponse & oidc.TokenEndpointResponseHelpers,
  dpop?: oidc.DPoPHandle,
): Promise<void> {
  const { id, username } = stage.person;
  const claims = tokens.claims();
  assert.equal(claims?.sub, id);
  assert.equal(claims?.username, username);
  const options = { DPoP: dpop };
  const first = tokens.refresh_token!;
  const refreshed = await oidc.refreshTokenGrant(config, first, undefined, options);
  assert.notEqual(refreshed.access_token, tokens.access_token);
  assert.equal(refreshed.claims()?.sub, id);
  const profile = await oidc.fetchUserInfo(config, refreshed.access_token, id, options);
  assert.equal(profile.name, 'Ana Souza');

  const current = refreshed.refresh_token ?? first;
  const seen = await oidc.tokenIntrospection(config, current);
  assert.deepEqual(
    [seen.active, seen.sub, seen.client_id],
    [true, id, config.clientMetadata().client_id],
  );
  await oidc.tokenRevocation(config, current, { token_type_hint: 'refresh_token' });
  assert.equal((await oidc.tokenIntrospection(config, current)).active, false);
  await assert.rejects(oidc.refreshTokenGrant(config, current, undefined, options), {
    error: 'invalid_grant',
  });
}

test('it discovers the server by OpenID Connect and by RFC 8414', async () => {
  const client = await stage.register('SPA');
  const [connect, oauth] = await Promise.all(
    (['oidc', 'oauth2'] as const).map((algorithm) =>
      oidc.discovery(new URL(stage.server.issuer), client.id, undefined, oidc.None(), {
        algorithm,
        execute: [oidc.allowInsecureRequests],
      }),
    ),
  );
  assert.deepEqual(connect!.serverMetadata().issuer, stage.server.issuer);
  assert.deepEqual({ ...oauth!.serverMetadata() }, { ...connect!.serverMetadata() });
  assert.equal(connect!.serverMetadata().supportsPKCE(), true);
});

for (const [name, authentication] of [
  ['in the Authorization header', oidc.ClientSecretBasic],
  ['in the body', oidc.ClientSecretPost],
] as const) {
  test(`it signs in with its secret ${name}`, async () => {
    const client = await stage.register('Traditional');
    const config = await discover(client, authentication(client.secret));
    await useTokens(config, await signIn(config));
  });
}

for (const alg of ['PS256', 'ES256', 'ES384', 'Ed25519', 'RS256']) {
  test(`it signs in with a key of its own, ${alg}`, async () => {
    const { client, authentication } = await keyClient('Traditional', alg);
    const config = await discover({ ...client, secret: '' }, authentication);
    await useTokens(config, await signIn(config));
  });
}

for (const type of ['SPA', 'Native']) {
  test(`it signs in without a secret as ${type}`, async () => {
    const config = await discover(await stage.register(type));
    await useTokens(config, await signIn(config));
  });
}

test('it pushes its request where that is required', async () => {
  const customClientMetadata = { requirePushedAuthorizationRequests: true };
  const config = await discover(await stage.register('Traditional', { customClientMetadata }));
  await useTokens(config, await signIn(config, { pushed: true }));
  const request = { redirect_uri: redirectUri, scope: 'openid' };
  const page = await new Agent().open(oidc.buildAuthorizationUrl(config, request));
  assert.equal(page.status, 400);
  assert.match(page.text, /must push its authorization requests/);
});

for (const alg of ['ES256', 'PS256', 'Ed25519']) {
  test(`it binds its tokens to a key, ${alg}`, async () => {
    const customClientMetadata = { dpopBoundAccessTokens: true };
    const config = await discover(await stage.register('SPA', { customClientMetadata }));
    const dpop = oidc.getDPoPHandle(config, await keyPair(alg));
    const other = oidc.getDPoPHandle(config, await keyPair(alg));
    const tokens = await signIn(config, { dpop });
    assert.equal(tokens.token_type, 'dpop');
    const unbound = oidc.refreshTokenGrant(config, tokens.refresh_token!);
    await assert.rejects(unbound, { error: 'invalid_dpop_proof' });
    const stolen = oidc.refreshTokenGrant(config, tokens.refresh_token!, {}, { DPoP: other });
    await assert.rejects(stolen, { error: 'invalid_grant' });
    await useTokens(config, tokens, dpop);
  });
}

test('it does all of FAPI 2.0 at once: pushed, with a key of its own, bound to a key', async () => {
  const customClientMetadata = { securityProfile: 'fapi2' };
  const { client, authentication } = await keyClient('Traditional', 'PS256', {
    customClientMetadata,
  });
  const config = await discover({ ...client, secret: '' }, authentication);
  const dpop = oidc.getDPoPHandle(config, await keyPair('ES256'));
  await useTokens(config, await signIn(config, { pushed: true, dpop }), dpop);
});

test('it receives its code as a form post', async () => {
  const config = await discover(await stage.register('Traditional'));
  const tokens = await signIn(config, { parameters: { response_mode: 'form_post' } });
  assert.equal(tokens.claims()?.sub, stage.person.id);
});

test('it signs in to somebody else’s application, which asks for consent', async () => {
  const client = await stage.register('Traditional', { isThirdParty: true });
  const scopes = { userScopes: ['profile', 'email'] };
  await stage.server.create(`applications/${client.id}/user-consent-scopes`, scopes);
  const config = await discover(client);
  const parameters = { scope: 'openid offline_access profile', resource: '' };
  const tokens = await signIn(config, { parameters });
  const profile = await oidc.fetchUserInfo(config, tokens.access_token, stage.person.id);
  assert.equal(profile.name, 'Ana Souza');
});

test('it is told by the error code that a person said no', async () => {
  const client = await stage.register('Traditional', { isThirdParty: true });
  const config = await discover(client);
  const state = oidc.randomState();
  const parameters = { redirect_uri: redirectUri, scope: 'openid', prompt: 'consent', state };
  const url = oidc.buildAuthorizationUrl(config, parameters);
  const walk = { person: stage.person, decision: 'deny' } as const;
  const answer = await new Agent().until(redirectUri, url, walk);
  const grant = oidc.authorizationCodeGrant(config, new URL(answer.url), { expectedState: state });
  await assert.rejects(grant, { name: 'AuthorizationResponseError', error: 'access_denied' });
});

test('it gets tokens for an API and for an organization', async () => {
  const config = await discover(await stage.register('Traditional'));
  const parameters = {
    scope: `${scope} urn:logto:scope:organizations`,
    resource: 'urn:logto:resource:organizations',
  };
  const { refresh_token } = await signIn(config, { parameters });
  const organization_id = stage.organization;
  const forOrganization = await oidc.refreshTokenGrant(config, refresh_token!, { organization_id });
  const seen = payload(forOrganization.access_token);
  assert.deepEqual(
    [seen.aud, seen.scope],
    [`urn:logto:organization:${organization_id}`, 'read:orders'],
  );

  const again = await signIn(config);
  const forResource = await oidc.refreshTokenGrant(config, again.refresh_token!, { resource });
  const claims = payload(forResource.access_token);
  assert.deepEqual([claims.aud, claims.scope], [resource, 'read:orders']);
});

test('it gets a machine’s token, by secret and by key, for an API and for an organization', async () => {
  const { server } = stage;
  const machine = await discover(server.machine);
  const tokens = await oidc.clientCredentialsGrant(machine, {
    resource: managementApi,
    scope: 'all',
  });
  const url = new URL(`${server.endpoint}/api/applications`);
  const list = await oidc.fetchProtectedResource(machine, tokens.access_token, url, 'GET');
  assert.equal(list.status, 200);
  const unknown = { resource: 'https://nobody.example/', scope: 'all' };
  await assert.rejects(oidc.clientCredentialsGrant(machine, unknown), { error: 'invalid_target' });

  const { client, authentication } = await keyClient('MachineToMachine', 'ES256');
  const robot = await discover({ ...client, secret: '' }, authentication);
  const organization_id = stage.organization;
  const applications = { applicationIds: [client.id] };
  await server.create(`organizations/${organization_id}/applications`, applications);
  const member = await oidc.clientCredentialsGrant(robot, { organization_id });
  assert.equal(payload(member.access_token).aud, `urn:logto:organization:${organization_id}`);

  const dpop = oidc.getDPoPHandle(robot, await keyPair('ES256'));
  const bound = await oidc.clientCredentialsGrant(robot, { resource }, { DPoP: dpop });
  assert.equal(bound.token_type, 'dpop');
});

test('it signs in a device, and is told when a person says no', async () => {
  const client = await stage.register('Native', {
    oidcClientMetadata: { redirectUris: [], postLogoutRedirectUris: [] },
    customClientMetadata: { isDeviceFlow: true },
  });
  const config = await discover(client);
  const begin = () => oidc.initiateDeviceAuthorization(config, { scope, resource });
  const [allowed, denied] = await Promise.all([begin(), begin()]);
  const polls = Promise.allSettled(
    [allowed, denied].map((codes) => oidc.pollDeviceAuthorizationGrant(config, codes)),
  );
  const agent = new Agent();
  const { person } = stage;
  const done = await agent.open(allowed.verification_uri_complete!, { person });
  assert.equal(done.status, 200);
  await agent.open(denied.verification_uri_complete!, { person, decision: 'deny' });
  const [tokens, refusal] = await polls;
  assert(tokens?.status === 'fulfilled', JSON.stringify(tokens));
  await useTokens(config, tokens.value);
  assert(refusal?.status === 'rejected');
  assert.equal(refusal.reason.error, 'access_denied');
});

test('it exchanges a subject token and says who acts', async () => {
  const customClientMetadata = { allowTokenExchange: true };
  const config = await discover(await stage.register('Traditional', { customClientMetadata }));
  const { subjectToken } = await stage.server.create<{ subjectToken: string }>('subject-tokens', {
    userId: stage.person.id,
  });
  const actor = await signIn(config, { parameters: { resource: '' } });
  const grant = 'urn:ietf:params:oauth:grant-type:token-exchange';
  const tokens = await oidc.genericGrantRequest(config, grant, {
    subject_token: subjectToken,
    subject_token_type: 'urn:logto:token-type:impersonation_token',
    actor_token: actor.access_token,
    actor_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    resource,
    scope: 'read:orders',
  });
  const claims = payload(tokens.access_token);
  assert.deepEqual([claims.sub, claims.scope], [stage.person.id, 'read:orders']);
  assert.deepEqual(claims.act, { sub: stage.person.id });
});

test('it signs out, and the browser is signed in no more', async () => {
  const config = await discover(await stage.register('Traditional'));
  const agent = new Agent();
  const tokens = await signIn(config, { agent });
  assert.equal(await isSignedIn(agent, config), true);
  const url = oidc.buildEndSessionUrl(config, {
    id_token_hint: tokens.id_token!,
    post_logout_redirect_uri: postLogoutRedirectUri,
    state: 'bye',
  });
  const farewell = await agent.until(postLogoutRedirectUri, url);
  assert.equal(new URL(farewell.url).searchParams.get('state'), 'bye');
  assert.equal(await isSignedIn(agent, config), false);
});

for (const alg of ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA']) {
  test(`it verifies ID tokens signed with ${alg}`, async () => {
    await stage.server.command('key', 'rotate', '--algorithm', alg, '--grace-period', '0');
    const config = await discover(await stage.register('Traditional'));
    const tokens = await signIn(config);
    const [header] = tokens.id_token!.split('.');
    assert.equal(JSON.parse(Buffer.from(header!, 'base64url').toString()).alg, alg);
    assert.equal(tokens.claims()?.sub, stage.person.id);
  });
}

function payload(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString());
}
