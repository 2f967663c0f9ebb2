import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { decodeProtectedHeader } from 'jose';
import * as oauth from 'oauth4webapi';
import { Agent } from '../support/agent.ts';
import { managementApi, redirectUri, resource, Stage } from '../support/stage.ts';

// The library hands out every response unread and validates it by the letter of its standard.

let stage: Stage;
let as: oauth.AuthorizationServer;
before(async () => {
  stage = await Stage.open('oauth4webapi');
  as = await discover('oidc');
});
after(() => stage?.close());

const insecure = { [oauth.allowInsecureRequests]: true } as const;
const scope = 'openid offline_access profile read:orders';

async function discover(algorithm: 'oidc' | 'oauth2'): Promise<oauth.AuthorizationServer> {
  const issuer = new URL(stage.server.issuer);
  const response = await oauth.discoveryRequest(issuer, { ...insecure, algorithm });
  return oauth.processDiscoveryResponse(issuer, response);
}

type Party = {
  client: oauth.Client;
  authentication: oauth.ClientAuth;
  dpop?: oauth.DPoPHandle;
};

/** A client of FAPI 2.0: it pushes its requests, authenticates with a key and binds its tokens to another. */
async function fapiClient(alg: string, proofAlg: string): Promise<Party> {
  const [own, proof] = await Promise.all(
    [alg, proofAlg].map((name) => oauth.generateKeyPair(name, { extractable: true })),
  );
  const jwk = { ...(await crypto.subtle.exportKey('jwk', own!.publicKey)), alg, kid: 'mine' };
  const { id } = await stage.registerWithKey('Traditional', jwk, {
    customClientMetadata: { securityProfile: 'fapi2' },
  });
  // The first such application brings the server a key of an algorithm that the profile allows.
  as = await discover('oidc');
  const client: oauth.Client = { client_id: id, require_auth_time: true };
  const authentication = oauth.PrivateKeyJwt({ key: own!.privateKey, kid: 'mine' });
  return { client, authentication, dpop: oauth.DPoP(client, proof!) };
}

/** PAR, the browser, the code: each answer validated. */
async function signIn({ client, authentication, dpop }: Party, more: Record<string, string> = {}) {
  const verifier = oauth.generateRandomCodeVerifier();
  const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()];
  const options = { ...insecure, DPoP: dpop };
  const request = {
    client_id: client.client_id,
    redirect_uri: redirectUri,
    response_type: 'code',
    scope,
    prompt: 'consent',
    resource,
    state,
    nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    max_age: '300',
    ...more,
  };
  const pushed = await oauth.pushedAuthorizationRequest(
    as,
    client,
    authentication,
    request,
    options,
  );
  const { request_uri, expires_in } = await oauth.processPushedAuthorizationResponse(
    as,
    client,
    pushed,
  );
  assert.match(pushed.headers.get('cache-control')!, /no-store/);
  assert(expires_in > 0);

  const url = new URL(as.authorization_endpoint!);
  url.search = new URLSearchParams({ client_id: client.client_id, request_uri }).toString();
  const answer = await new Agent().until(redirectUri, url, { person: stage.person });
  const parameters = oauth.validateAuthResponse(as, client, new URL(answer.url), state);
  assert.equal(parameters.get('iss'), as.issuer);

  const response = await oauth.authorizationCodeGrantRequest(
    as,
    client,
    authentication,
    parameters,
    redirectUri,
    verifier,
    options,
  );
  const tokens = await oauth.processAuthorizationCodeResponse(as, client, response, {
    expectedNonce: nonce,
    maxAge: 300,
    requireIdToken: true,
  });
  await oauth.validateApplicationLevelSignature(as, response, insecure);
  return { tokens, parameters, verifier };
}

/** What an API does with a request, by RFC 9068 and RFC 9449. */
async function asApi(
  url: string,
  method: string,
  headers: Headers,
): Promise<oauth.JWTAccessTokenClaims> {
  const request = new Request(url, { method, headers });
  return oauth.validateJwtAccessToken(as, request, resource, insecure);
}

test('it discovers the server by OpenID Connect and by RFC 8414', async () => {
  assert.deepEqual(await discover('oauth2'), await discover('oidc'));
});

for (const [alg, proofAlg] of [
  ['PS256', 'ES256'],
  ['ES256', 'Ed25519'],
  ['Ed25519', 'PS256'],
] as const) {
  test(`it does what FAPI 2.0 asks for with ${alg}, and ${proofAlg} for its proofs`, async () => {
    const party = await fapiClient(alg, proofAlg);
    const { client, authentication, dpop } = party;
    const options = { ...insecure, DPoP: dpop };
    const { tokens } = await signIn(party);
    const { sub, auth_time } = oauth.getValidatedIdTokenClaims(tokens)!;
    assert.equal(sub, stage.person.id);
    assert(typeof auth_time === 'number');
    assert.equal(tokens.token_type, 'dpop');
    const { alg: signedWith } = decodeProtectedHeader(tokens.id_token!);
    assert(['PS256', 'ES256', 'EdDSA'].includes(signedWith!), `FAPI 2.0 §5.4.1: ${signedWith}`);

    const userinfo = await oauth.userInfoRequest(as, client, tokens.access_token, options);
    const profile = await oauth.processUserInfoResponse(as, client, sub, userinfo);
    assert.equal(profile.name, 'Ana Souza');

    const refresh = (more: Record<string, string> = {}) =>
      oauth.refreshTokenGrantRequest(as, client, authentication, tokens.refresh_token!, {
        ...options,
        additionalParameters: more,
      });
    const again = await oauth.processRefreshTokenResponse(as, client, await refresh());
    assert.equal(
      again.refresh_token ?? tokens.refresh_token,
      tokens.refresh_token,
      'FAPI 2.0 §5.3.2.1: refresh tokens do not rotate',
    );

    const forApi = await oauth.processRefreshTokenResponse(as, client, await refresh({ resource }));
    const headers = new Headers();
    await asApi('https://orders.example/api', 'GET', headers).then(
      () => assert.fail('a request without a token'),
      () => undefined,
    );
    const sent = await sentTo('https://orders.example/api', forApi.access_token, dpop!);
    const claims = await asApi('https://orders.example/api', 'GET', sent);
    assert.deepEqual(
      [claims.sub, claims.client_id, claims.scope],
      [sub, client.client_id, 'read:orders'],
    );
    assert(claims.cnf?.jkt);

    const seen = await oauth.introspectionRequest(
      as,
      client,
      authentication,
      tokens.refresh_token!,
      insecure,
    );
    assert.equal((await oauth.processIntrospectionResponse(as, client, seen)).active, true);
    const revoked = await oauth.revocationRequest(
      as,
      client,
      authentication,
      tokens.refresh_token!,
      insecure,
    );
    await oauth.processRevocationResponse(revoked);
    const refused = oauth.processRefreshTokenResponse(as, client, await refresh());
    await assert.rejects(refused, { error: 'invalid_grant', status: 400 });
  });
}

/** The headers the library sends to a protected resource, taken down instead of sent. */
async function sentTo(url: string, token: string, dpop: oauth.DPoPHandle): Promise<Headers> {
  let sent = new Headers();
  await oauth.protectedResourceRequest(token, 'GET', new URL(url), undefined, undefined, {
    DPoP: dpop,
    [oauth.customFetch]: async (_, init) => {
      sent = new Headers(init.headers);
      return new Response();
    },
  });
  return sent;
}

test('a stolen token is told to prove its key, in words the library understands', async () => {
  const party = await fapiClient('ES256', 'ES256');
  const { tokens } = await signIn(party);
  const thief = oauth.DPoP(party.client, await oauth.generateKeyPair('ES256'));
  for (const [token, dpop] of [
    [tokens.access_token, undefined],
    [tokens.access_token, thief],
  ] as const) {
    const response = await oauth.userInfoRequest(as, party.client, token, {
      ...insecure,
      DPoP: dpop,
    });
    const userinfo = oauth.processUserInfoResponse(as, party.client, stage.person.id, response);
    await assert.rejects(userinfo, (error) => {
      assert(error instanceof oauth.WWWAuthenticateChallengeError, String(error));
      assert.equal(error.status, 401);
      const dpopChallenge = error.cause.find(({ scheme }) => scheme === 'dpop');
      assert(
        dpopChallenge?.parameters.algs?.split(' ').includes('ES256'),
        JSON.stringify(error.cause),
      );
      return true;
    });
  }
});

test('a code is good once, and its second use takes back what the first one gave', async () => {
  const party = await fapiClient('ES256', 'ES256');
  const { client, authentication, dpop } = party;
  const options = { ...insecure, DPoP: dpop };
  const { tokens, parameters, verifier } = await signIn(party);
  const response = await oauth.authorizationCodeGrantRequest(
    as,
    client,
    authentication,
    parameters,
    redirectUri,
    verifier,
    options,
  );
  const replayed = oauth.processAuthorizationCodeResponse(as, client, response);
  await assert.rejects(replayed, { error: 'invalid_grant', status: 400 });
  const seen = await oauth.introspectionRequest(
    as,
    client,
    authentication,
    tokens.refresh_token!,
    insecure,
  );
  assert.deepEqual(await oauth.processIntrospectionResponse(as, client, seen), { active: false });
});

test('a pushed request that is wrong is refused where it is pushed', async () => {
  const party = await fapiClient('ES256', 'ES256');
  await assert.rejects(signIn(party, { redirect_uri: 'https://elsewhere.example/' }), {
    name: 'ResponseBodyError',
    status: 400,
  });
  await assert.rejects(signIn(party, { scope: 'profile', resource: 'https://nobody.example/' }), {
    error: 'invalid_target',
  });
  const stranger = {
    ...party,
    authentication: (await fapiClient('ES256', 'ES256')).authentication,
  };
  await assert.rejects(signIn(stranger), { name: 'WWWAuthenticateChallengeError', status: 401 });
});

test('a wrong secret is answered with a challenge the library can read', async () => {
  const { id } = await stage.register('Traditional');
  const client = { client_id: id };
  const wrong = oauth.ClientSecretBasic('wrong');
  const response = await oauth.introspectionRequest(as, client, wrong, 'x', insecure);
  await assert.rejects(oauth.processIntrospectionResponse(as, client, response), (error) => {
    assert(error instanceof oauth.WWWAuthenticateChallengeError, String(error));
    assert.deepEqual([error.status, error.cause[0]?.scheme], [401, 'basic']);
    return true;
  });
});

test('a machine’s token stands up to RFC 9068', async () => {
  const { id, secret } = stage.server.machine;
  const client = { client_id: id };
  const parameters = { resource: managementApi, scope: 'all' };
  const authentication = oauth.ClientSecretPost(secret);
  const response = await oauth.clientCredentialsGrantRequest(
    as,
    client,
    authentication,
    parameters,
    insecure,
  );
  const tokens = await oauth.processClientCredentialsResponse(as, client, response);
  const headers = { authorization: `Bearer ${tokens.access_token}` };
  const request = new Request(managementApi, { headers });
  const claims = await oauth.validateJwtAccessToken(as, request, managementApi, insecure);
  assert.deepEqual([claims.sub, claims.client_id, claims.scope], [id, id, 'all']);
});

test('a device is told to wait, then gets its tokens', async () => {
  const { id } = await stage.register('Native', {
    oidcClientMetadata: { redirectUris: [], postLogoutRedirectUris: [] },
    customClientMetadata: { isDeviceFlow: true },
  });
  const client = { client_id: id };
  const none = oauth.None();
  const asked = await oauth.deviceAuthorizationRequest(
    as,
    client,
    none,
    { scope, resource },
    insecure,
  );
  const codes = await oauth.processDeviceAuthorizationResponse(as, client, asked);
  const poll = async () => {
    const response = await oauth.deviceCodeGrantRequest(
      as,
      client,
      none,
      codes.device_code,
      insecure,
    );
    return oauth.processDeviceCodeResponse(as, client, response);
  };
  await assert.rejects(poll(), { error: 'authorization_pending' });
  await assert.rejects(poll(), { error: 'slow_down' });
  await new Agent().open(codes.verification_uri_complete!, { person: stage.person });
  // RFC 8628 §3.5: slow_down adds five seconds to the interval of five.
  await new Promise((resolve) => setTimeout(resolve, 10_100));
  const tokens = await poll();
  assert.equal(oauth.getValidatedIdTokenClaims(tokens)?.sub, stage.person.id);
});
