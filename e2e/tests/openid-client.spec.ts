import type { Page } from '@playwright/test';
import * as oidc from 'openid-client';
import type { RelyingParty } from '../support/relying-party.ts';
import type { Client, Person } from '../support/server.ts';
import { expect, type Stage, test } from '../support/stage.ts';
import { fillIn, form } from '../support/visit.ts';

// A certified client that knows nothing about us: what it accepts, others accept.

function discover(
  { server }: Stage,
  { id, secret }: Client,
  authentication?: oidc.ClientAuth,
): Promise<oidc.Configuration> {
  return oidc.discovery(new URL(server.issuer), id, secret, authentication, {
    execute: [oidc.allowInsecureRequests],
  });
}

/** The authorization code flow with PKCE, state and nonce, all checked by the library. */
async function signIn(
  page: Page,
  config: oidc.Configuration,
  party: RelyingParty,
  person: Person,
) {
  const pkceCodeVerifier = oidc.randomPKCECodeVerifier();
  const [expectedState, expectedNonce] = [oidc.randomState(), oidc.randomNonce()];
  const url = oidc.buildAuthorizationUrl(config, {
    redirect_uri: party.redirectUri,
    scope: 'openid offline_access profile',
    prompt: 'consent',
    code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
    state: expectedState,
    nonce: expectedNonce,
  });
  const visit = party.nextVisit();
  await page.goto(url.href);
  await fillIn(page, person);
  await form(page).password.press('Enter');
  const checks = { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true };
  return oidc.authorizationCodeGrant(config, await visit, checks);
}

for (const [name, authentication] of [
  ['in the Authorization header', oidc.ClientSecretBasic],
  ['in the body', oidc.ClientSecretPost],
] as const) {
  test(`openid-client signs in, refreshes and revokes with its secret ${name}`, async ({
    page,
    person,
    stage,
  }) => {
    const { party } = stage;
    const config = await discover(stage, party.client, authentication(party.client.secret));
    const tokens = await signIn(page, config, party, person);
    expect(tokens.claims()).toMatchObject({ sub: person.id, username: person.username });

    const profile = await oidc.fetchUserInfo(config, tokens.access_token, person.id);
    expect(profile).toMatchObject({ sub: person.id, name: 'Ana Souza' });

    const refreshed = await oidc.refreshTokenGrant(config, tokens.refresh_token!);
    expect(refreshed.access_token).not.toBe(tokens.access_token);
    expect(refreshed.claims()?.sub).toBe(person.id);

    const current = refreshed.refresh_token ?? tokens.refresh_token!;
    expect((await oidc.tokenIntrospection(config, current)).active).toBe(true);
    await oidc.tokenRevocation(config, current);
    expect((await oidc.tokenIntrospection(config, current)).active).toBe(false);
    await expect(oidc.refreshTokenGrant(config, current)).rejects.toMatchObject({
      error: 'invalid_grant',
    });
  });
}

test('openid-client signs out and comes back with its state', async ({ page, person, stage }) => {
  const { party } = stage;
  const config = await discover(stage, party.client);
  const tokens = await signIn(page, config, party, person);
  const url = oidc.buildEndSessionUrl(config, {
    id_token_hint: tokens.id_token!,
    post_logout_redirect_uri: party.baseUrl,
    state: 'bye',
  });
  const visit = party.nextVisit();
  await page.goto(url.href);
  expect((await visit).searchParams.get('state')).toBe('bye');
  await page.goto(party.authorizationUrl());
  await expect(form(page).password).toBeVisible();
});

test('openid-client gets a machine’s token for the Management API', async ({ stage }) => {
  const { server } = stage;
  const config = await discover(stage, server.machine);
  const resource = 'https://default.logto.app/api';
  const tokens = await oidc.clientCredentialsGrant(config, { resource, scope: 'all' });
  expect(tokens).toMatchObject({ token_type: 'bearer', scope: 'all' });
  const headers = { authorization: `Bearer ${tokens.access_token}` };
  expect((await fetch(`${server.endpoint}/api/applications`, { headers })).status).toBe(200);

  await expect(
    oidc.clientCredentialsGrant(config, { resource: 'https://nobody.example/', scope: 'all' }),
  ).rejects.toMatchObject({ error: 'invalid_target' });
});
