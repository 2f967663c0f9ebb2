import type { Page } from '@playwright/test';
import type { RelyingParty } from '../support/relying-party.ts';
import { expect, test } from '../support/stage.ts';
import { fillIn, form } from '../support/visit.ts';
import type { Person } from '../support/server.ts';

/** Signs in through the hand-written client; the authorization code it receives. */
async function authorize(page: Page, party: RelyingParty, person: Person): Promise<string> {
  const visit = party.nextVisit();
  await page.goto(party.authorizationUrl());
  await fillIn(page, person);
  await form(page).password.press('Enter');
  const code = (await visit).searchParams.get('code');
  expect(code).toBeTruthy();
  return code!;
}

test('a wrong redirect address is explained on a page and never followed', async ({
  page,
  stage: { party, server },
}) => {
  const visits = party.visits.length;
  for (const address of [
    `${party.baseUrl}/elsewhere`,
    `${party.redirectUri}/deeper`,
    `${party.redirectUri}?added=1`,
    `${party.redirectUri}#fragment`,
    party.baseUrl.replace('http://', 'http://localhost@'),
  ]) {
    const response = await page.goto(party.authorizationUrl({ redirect_uri: address }));
    expect(response?.status(), address).toBe(400);
    expect(new URL(page.url()).origin).toBe(server.endpoint);
    await expect(page.getByRole('heading').first()).toBeVisible();
    // Not even as a link to click.
    await expect(page.locator(`a[href^="${party.baseUrl}"]`)).toHaveCount(0);
  }
  expect(party.visits).toHaveLength(visits);
});

test('an unknown application is explained on a page and never redirected', async ({
  page,
  stage: { party, server },
}) => {
  const visits = party.visits.length;
  const response = await page.goto(party.authorizationUrl({ client_id: 'nobody' }));
  expect(response?.status()).toBe(400);
  expect(new URL(page.url()).origin).toBe(server.endpoint);
  await expect(page.getByRole('heading').first()).toBeVisible();
  expect(party.visits).toHaveLength(visits);
});

test('a replayed code is refused and what it had given is revoked', async ({
  page,
  person,
  stage: { party },
}) => {
  const code = await authorize(page, party, person);
  const first = await party.exchange(code);
  expect(first.status).toBe(200);
  const { access_token, refresh_token } = first.body;
  expect((await party.userinfo(access_token!)).status).toBe(200);
  expect(await party.isActive(refresh_token!)).toBe(true);

  const replay = await party.exchange(code);
  expect(replay.status).toBe(400);
  expect(replay.body).toMatchObject({ error: 'invalid_grant', code: 'oidc.invalid_grant' });
  expect(typeof replay.body.message).toBe('string');

  expect((await party.userinfo(access_token!)).status).toBe(401);
  expect(await party.isActive(refresh_token!)).toBe(false);
  expect((await party.refresh(refresh_token!)).body.error).toBe('invalid_grant');
});

test('a code is worth nothing without the verifier it is bound to', async ({
  page,
  person,
  stage: { party, server },
}) => {
  const code = await authorize(page, party, person);
  const { id, secret } = party.client;
  const response = await fetch(`${server.issuer}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: id,
      client_secret: secret,
      code,
      redirect_uri: party.redirectUri,
    }),
  });
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ error: 'invalid_grant' });
});
