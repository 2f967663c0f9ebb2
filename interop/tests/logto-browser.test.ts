import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { build } from 'esbuild';
import { decodeJwt } from 'jose';
import type { Browser, Page } from 'playwright-core';
import { arrival, freshPage, signIn, startBrowser } from '../support/browser.ts';
import { Listener } from '../support/listener.ts';
import { type Client, resource, Stage } from '../support/stage.ts';

let stage: Stage;
let browser: Browser;
let listener: Listener;
let client: Client;
before(async () => {
  stage = await Stage.open('logto-browser');
  browser = await startBrowser();
  // Another site than the server’s `localhost`.
  listener = await Listener.start(app, '127.0.0.1');
});
after(async () => {
  await browser?.close();
  await listener?.stop();
  await stage?.close();
});

/** Every path is the same page: the SDK in a bundle. */
async function app(baseUrl: string) {
  client = await stage.register('SPA', {
    oidcClientMetadata: {
      redirectUris: [`${baseUrl}/callback`],
      postLogoutRedirectUris: [`${baseUrl}/`],
    },
  });
  const entry = join(import.meta.dirname, '../apps/browser/app.ts');
  const options = { bundle: true, format: 'esm', write: false } as const;
  const script = (await build({ ...options, entryPoints: [entry] })).outputFiles[0]!.text;
  const config = {
    endpoint: stage.server.endpoint,
    appId: client.id,
    scopes: ['urn:logto:scope:organizations', 'read:orders'],
    resources: [resource],
  };
  const html = `<!doctype html><title>App</title><script>window.config = ${JSON.stringify(config)}</script><script type="module" src="/app.js"></script>`;
  return (request: { url?: string }, response: import('node:http').ServerResponse) => {
    const isScript = request.url === '/app.js';
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
    response.end(isScript ? script : html);
  };
}

/** From the app's first page to its callback page, signed in. */
async function signedIn(page: Page): Promise<void> {
  const { baseUrl } = listener;
  await page.goto(baseUrl);
  // Not waited for: it ends by leaving the page, which would take the answer along.
  await page.evaluate(
    (redirectUri) => void window.client.signIn(redirectUri),
    `${baseUrl}/callback`,
  );
  await signIn(page, stage.person);
  await arrival(page, `${baseUrl}/callback`);
  await page.evaluate(() => window.arrived);
}

test('a person signs in to a single-page app on another site', async () => {
  const page = await freshPage(browser);
  await signedIn(page);
  const claims = await page.evaluate(() => window.client.getIdTokenClaims());
  assert.deepEqual(
    [claims.sub, claims.aud, claims.username],
    [stage.person.id, client.id, stage.person.username],
  );
  const info = await page.evaluate(() => window.client.fetchUserInfo());
  assert.equal(info.name, 'Ana Souza');
  // The session outlives the page.
  await page.goto(listener.baseUrl);
  assert.equal(await page.evaluate(() => window.client.isAuthenticated()), true);
});

test('it gets tokens for an API and for an organization, many at once', async () => {
  const page = await freshPage(browser);
  await signedIn(page);
  const [forApi, forOrganization, ...others] = await page.evaluate(
    ([api, organization]) =>
      Promise.all([
        window.client.getAccessToken(api),
        window.client.getOrganizationToken(organization!),
        window.client.getAccessToken(api, organization),
        window.client.getAccessToken(),
      ]),
    [resource, stage.organization],
  );
  const claims = decodeJwt(forApi!);
  assert.deepEqual(
    [claims.aud, claims.scope, claims.sub],
    [resource, 'read:orders', stage.person.id],
  );
  assert.equal(decodeJwt(forOrganization!).aud, `urn:logto:organization:${stage.organization}`);
  assert.equal(decodeJwt(others[0]!).organization_id, stage.organization);
  assert.equal(others[1]!.length, 43);
});

test('it refreshes again and again, also from a second tab', async () => {
  const page = await freshPage(browser);
  await signedIn(page);
  const tab = await page.context().newPage();
  await tab.goto(listener.baseUrl);
  const renewed = async (where: Page) => {
    await where.evaluate(() => window.client.clearAccessToken());
    return where.evaluate((api) => window.client.getAccessToken(api), resource);
  };
  const seen = new Set<unknown>();
  for (let round = 0; round < 3; round += 1) {
    for (const token of await Promise.all([renewed(page), renewed(tab)])) {
      seen.add(decodeJwt(token).jti);
    }
  }
  assert.equal(seen.size, 6);
});

test('it signs out, and its tokens are worth nothing any more', async () => {
  const page = await freshPage(browser);
  await signedIn(page);
  const { baseUrl } = listener;
  const token = await page.evaluate(() => window.client.getRefreshToken());
  await page.evaluate((home) => void window.client.signOut(home), `${baseUrl}/`);
  await arrival(page, `${baseUrl}/`);
  assert.equal(await page.evaluate(() => window.client.isAuthenticated()), false);
  const body = { grant_type: 'refresh_token', client_id: client.id, refresh_token: token! };
  const refused = await fetch(`${stage.server.issuer}/token`, {
    method: 'POST',
    body: new URLSearchParams(body),
  });
  assert.equal(refused.status, 400);
  await page.evaluate(
    (redirectUri) => void window.client.signIn(redirectUri),
    `${baseUrl}/callback`,
  );
  await page.locator('input[name=password]').waitFor();
});

test('a page of another origin may not use the app’s client id', async () => {
  const stranger = await Listener.start(
    () => (_, response) => void response.end('<!doctype html>'),
    '127.0.0.1',
  );
  try {
    const page = await freshPage(browser);
    await page.goto(stranger.baseUrl);
    const outcome = await page.evaluate(
      async ([token, client_id]) => {
        const body = new URLSearchParams({
          grant_type: 'refresh_token',
          client_id: client_id!,
          refresh_token: 'x',
        });
        return fetch(token!, { method: 'POST', body }).then(String, String);
      },
      [`${stage.server.issuer}/token`, client.id],
    );
    assert.equal(outcome, 'TypeError: Failed to fetch');
  } finally {
    await stranger.stop();
  }
});
