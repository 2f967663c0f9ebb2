import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import * as oidc from 'openid-client';
import type { Browser } from 'playwright-core';
import { Agent } from '../support/agent.ts';
import { Apache, type SiteName } from '../support/apache.ts';
import { arrival, freshPage, signIn, startBrowser } from '../support/browser.ts';
import { managementApi, resource, Stage } from '../support/stage.ts';

let stage: Stage;
let apache: Apache;
let browser: Browser;
before(async () => {
  // Apache receives logout tokens on loopback, where the server sends nothing unless it may.
  stage = await Stage.open('mod-auth-openidc', { TRINCO_OUTBOUND_ALLOW: 'localhost,127.0.0.1' });
  await rotate('RS256');
  apache = await Apache.start(stage);
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await apache?.stop();
  await stage?.close();
});

/** From now on the server signs with a new key. */
async function rotate(algorithm: string): Promise<void> {
  await stage.server.command('key', 'rotate', '--algorithm', algorithm, '--grace-period', '0');
}

/** What the module tells about a session. */
type Session = {
  access_token: string;
  access_token_expires: number;
  refresh_token: string;
  id_token: { sub: string; sid?: string };
  userinfo: { sub: string; name: string };
};

async function sessionOf(agent: Agent, site: SiteName, more = ''): Promise<Session | undefined> {
  const { baseUrl } = apache.sites[site];
  const { status, text } = await agent.open(`${baseUrl}/protected/callback?info=json${more}`);
  return status === 200 && text.startsWith('{') ? JSON.parse(text) : undefined;
}

/** Signs in at a site without a browser. */
async function signedIn(
  site: SiteName,
  agent = new Agent(),
): Promise<{ agent: Agent; session: Session }> {
  const { person } = stage;
  const page = await agent.open(`${apache.sites[site].baseUrl}/protected/`, { person });
  assert.equal(page.status, 200, page.text);
  assert.match(page.text, new RegExp(`Signed in as ${person.username}`));
  const session = await sessionOf(agent, site);
  assert(session, 'the module knows the session');
  return { agent, session };
}

/** Whether an API behind the module lets a token in. */
async function api(site: SiteName, token: string): Promise<number> {
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(`${apache.sites[site].baseUrl}/api/`, { headers });
  return response.status;
}

test('an API behind it verifies JWTs by the server’s key', async () => {
  const { session } = await signedIn('post');
  const { clientId } = apache.sites.post;
  const config = await machine();
  const tokens = await oidc.clientCredentialsGrant(config, {
    resource: managementApi,
    scope: 'all',
  });
  assert.equal(await api('basic', tokens.access_token), 401, 'a machine is not the person');
  const secret = await secretOf(clientId);
  const own = await discover(clientId, secret);
  const forApi = await oidc.refreshTokenGrant(own, session.refresh_token, { resource });
  assert.equal(await api('basic', forApi.access_token), 200);
  const forged = forApi.access_token.replace(/.$/, (last) => (last === 'A' ? 'Q' : 'A'));
  assert.equal(await api('basic', forged.slice(0, -3) + 'AAA'), 401);
});

test('an API behind it asks the server about opaque tokens', async () => {
  const { session } = await signedIn('post');
  assert.equal(await api('post', session.access_token), 200);
  assert.equal(await api('post', 'a'.repeat(43)), 401);
});

test('it fetches the server’s keys again when they have rotated', async () => {
  await rotate('ES384');
  const { session } = await signedIn('basic');
  assert.equal(session.id_token.sub, stage.person.id);
});

test('a browser signs in to a protected page, and out again', async () => {
  const { baseUrl } = apache.sites.basic;
  const page = await freshPage(browser);
  await page.goto(`${baseUrl}/protected/index.html?a=1`);
  await signIn(page, stage.person);
  await arrival(page, `${baseUrl}/protected/index.html`);
  assert.equal(new URL(page.url()).search, '?a=1');
  assert.equal(await page.locator('h1').innerText(), `Signed in as ${stage.person.username}`);
  // The module's name for somebody: who, and according to whom.
  assert.equal(await page.locator('p').innerText(), `${stage.person.id}@${stage.server.issuer}`);

  await page.goto(`${baseUrl}/protected/callback?logout=${encodeURIComponent(`${baseUrl}/`)}`);
  await arrival(page, `${baseUrl}/`);
  await page.goto(`${baseUrl}/protected/`);
  await page.locator('input[name=password]').waitFor();
});

test('a browser carries a posted request there and a form post back', async () => {
  const { baseUrl } = apache.sites.post;
  const page = await freshPage(browser);
  await page.goto(`${baseUrl}/protected/`);
  await signIn(page, stage.person);
  await arrival(page, `${baseUrl}/protected/`);
  assert.equal(await page.locator('h1').innerText(), `Signed in as ${stage.person.username}`);
});

for (const site of ['basic', 'post', 'key'] as const) {
  test(`it signs in, reads userinfo and refreshes, configured as ${site}`, async () => {
    const { agent, session } = await signedIn(site);
    assert.equal(session.id_token.sub, stage.person.id);
    assert.equal(session.userinfo.name, 'Ana Souza');
    const renewed = await sessionOf(agent, site, '&access_token_refresh_interval=0');
    assert.notEqual(renewed?.access_token, session.access_token);
    assert.equal(renewed?.userinfo.sub, stage.person.id);
  });
}

test('it is told by the back channel when somebody signs out elsewhere', async () => {
  const { agent, session } = await signedIn('basic');
  assert(session.id_token.sid, 'an application that wants to be told gets the session’s id');
  // The same browser, at another application.
  await signedIn('key', agent);
  assert(await sessionOf(agent, 'basic'), 'both sites know the person');
  const other = apache.sites.key.baseUrl;
  const farewell = `${other}/protected/callback?logout=${encodeURIComponent(`${other}/`)}`;
  await agent.open(farewell);
  for (let round = 0; (await sessionOf(agent, 'basic')) !== undefined; round += 1) {
    assert(round < 100, 'the session outlived its end by ten seconds');
    await sleep(100);
  }
});

function discover(id: string, secret: string): Promise<oidc.Configuration> {
  const execute = [oidc.allowInsecureRequests];
  return oidc.discovery(new URL(stage.server.issuer), id, secret, undefined, { execute });
}

function machine(): Promise<oidc.Configuration> {
  return discover(stage.server.machine.id, stage.server.machine.secret);
}

async function secretOf(id: string): Promise<string> {
  const secrets = await stage.server.api<{ value: string }[]>('GET', `applications/${id}/secrets`);
  return secrets[0]!.value;
}
