import { setTimeout as sleep } from 'node:timers/promises';
import type { Page } from '@playwright/test';
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import { clubTokenTtl, expect, type Stage, test } from '../support/stage.ts';
import { shown, signIn } from '../support/visit.ts';

/** Checks an access token as an API would, with a library that is not ours. */
function verified(stage: Stage, token: string, audience: string) {
  const keys = createRemoteJWKSet(new URL(`${stage.server.issuer}/jwks`));
  return jwtVerify(token, keys, {
    issuer: stage.server.issuer,
    audience,
    typ: 'at+jwt',
    algorithms: ['ES384'],
  });
}

function orders(stage: Stage, token?: string): Promise<Response> {
  const headers: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {};
  return fetch(`${stage.shop.baseUrl}/api/protected/orders`, { headers });
}

async function resourceToken(page: Page, baseUrl: string): Promise<string> {
  await page.goto(`${baseUrl}/token`);
  return shown(page, 'access-token');
}

test('a server component gets an access token that opens the API', async ({
  page,
  person,
  stage,
}) => {
  await signIn(page, stage.shop, person);
  const token = await resourceToken(page, stage.shop.baseUrl);
  await expect(page.getByTestId('api-result')).toHaveAttribute('data-status', '200');
  expect(JSON.parse(await shown(page, 'api-result'))).toMatchObject({ customer: person.id });

  const { payload } = await verified(stage, token, stage.shop.resource);
  expect(payload).toMatchObject({
    sub: person.id,
    client_id: stage.shop.client.id,
    scope: 'read:orders',
    aud: stage.shop.resource,
    iss: stage.server.issuer,
  });
  expect(payload.exp! - payload.iat!).toBe(3600);
});

test('a route handler calls the API in the name of the person', async ({ page, person, stage }) => {
  await signIn(page, stage.shop, person);
  const answer = await page.request.get(`${stage.shop.baseUrl}/api/my-orders`);
  expect(answer.status()).toBe(200);
  expect(await answer.json()).toMatchObject({ customer: person.id });
});

test('the API refuses a missing token, a foreign one and one without the permission', async ({
  page,
  browser,
  person,
  stage,
}) => {
  const missing = await orders(stage);
  expect(missing.status).toBe(401);
  expect(missing.headers.get('www-authenticate')).toBe('Bearer');

  await signIn(page, stage.club, person);
  const foreign = await orders(stage, await resourceToken(page, stage.club.baseUrl));
  expect(foreign.status).toBe(401);
  expect(foreign.headers.get('www-authenticate')).toContain('invalid_token');

  // Somebody else, whom no role lets read orders.
  const context = await browser.newContext();
  const other = await context.newPage();
  await signIn(other, stage.shop, await stage.server.createPerson());
  const token = await resourceToken(other, stage.shop.baseUrl);
  expect((await verified(stage, token, stage.shop.resource)).payload.scope).toBe('');
  const forbidden = await orders(stage, token);
  expect(forbidden.status).toBe(403);
  expect(forbidden.headers.get('www-authenticate')).toContain('insufficient_scope');
  await context.close();
});

test('a member of an organization gets a token for it', async ({ page, person, stage }) => {
  const { server, organizationRole } = stage;
  const id = await server.createOrganization('Acme', organizationRole, person);
  const others = await server.createPerson();
  const foreign = await server.createOrganization('Other', organizationRole, others);

  await signIn(page, stage.shop, person);
  await page.goto(`${stage.shop.baseUrl}/organizations`);
  const token = await shown(page, `org-token-${id}`);
  const { payload } = await verified(stage, token, `urn:logto:organization:${id}`);
  expect(payload).toMatchObject({ sub: person.id, scope: 'read:orders' });
  await expect(page.getByTestId(`org-token-${foreign}`)).toHaveCount(0);

  // A token for the organization is not one for the API.
  expect((await orders(stage, token)).status).toBe(401);

  const answer = await page.request.get(`${stage.shop.baseUrl}/api/my-organization`);
  expect(answer.status()).toBe(200);
  expect(await answer.json()).toMatchObject({ organization: id, member: person.id });
});

test('userinfo tells what the scopes allow', async ({ page, person, stage }) => {
  await signIn(page, stage.shop, person);
  await page.goto(`${stage.shop.baseUrl}/userinfo`);
  expect(JSON.parse(await shown(page, 'userinfo'))).toMatchObject({
    sub: person.id,
    name: 'Ana Souza',
    username: person.username,
    custom_data: {},
  });
});

test('an expired access token is refreshed without anybody noticing', async ({
  page,
  person,
  stage,
}) => {
  const { club } = stage;
  const api = `${club.baseUrl}/api/protected/orders`;
  await signIn(page, club, person);
  const token = await resourceToken(page, club.baseUrl);
  const { exp, iat } = decodeJwt(token);
  expect(exp! - iat!).toBe(clubTokenTtl);
  expect((await page.request.get(`${club.baseUrl}/api/my-orders`)).status()).toBe(200);

  // Until the session's own token, which is at most a moment younger, has expired as well.
  await sleep((clubTokenTtl + 1.5) * 1000);
  const expired = await fetch(api, { headers: { authorization: `Bearer ${token}` } });
  expect(expired.status).toBe(401);

  expect((await page.request.get(`${club.baseUrl}/api/my-orders`)).status()).toBe(200);
  const renewed = await resourceToken(page, club.baseUrl);
  expect(decodeJwt(renewed).iat).toBeGreaterThan(iat!);
  await expect(page.getByTestId('api-result')).toHaveAttribute('data-status', '200');
});
