import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { arrival, freshPage, signIn, startBrowser } from '../support/browser.ts';
import { NextAuthApp } from '../support/next-auth.ts';
import { Stage } from '../support/stage.ts';

let stage: Stage;
let app: NextAuthApp;
let browser: Browser;
before(async () => {
  stage = await Stage.open('next-auth');
  app = await NextAuthApp.start(stage);
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await app?.stop();
  await stage?.close();
});

type Session = { sub: string; accessToken: string; user: { name: string } } | null;

/** What the app knows, as a page of it that the server renders shows it. */
async function session(page: Page, version: number): Promise<Session> {
  await page.goto(`${app.baseUrl}/version-${version}`);
  return JSON.parse(await page.locator('pre').innerText());
}

for (const { version, api, provider } of [
  { version: 4, api: 'auth', provider: 'Trinco' },
  { version: 5, api: 'auth5', provider: 'Logto' },
]) {
  test(`a person signs in with next-auth ${version} and out again`, async () => {
    const page = await freshPage(browser);
    assert.equal(await session(page, version), null);
    const back = `${app.baseUrl}/version-${version}`;
    await page.goto(`${app.baseUrl}/api/${api}/signin?callbackUrl=${encodeURIComponent(back)}`);
    await page.getByRole('button', { name: `Sign in with ${provider}` }).click();
    await signIn(page, stage.person);
    await arrival(page, back);

    const first = await session(page, version);
    assert.deepEqual([first?.sub, first?.user.name], [stage.person.id, 'Ana Souza']);
    const second = await session(page, version);
    for (const { accessToken } of [first!, second!]) {
      const headers = { authorization: `Bearer ${accessToken}` };
      const profile = (await (await fetch(`${stage.server.issuer}/me`, { headers })).json()) as {
        sub: string;
      };
      assert.equal(profile.sub, stage.person.id);
    }
    if (version === 5) {
      assert.notEqual(second!.accessToken, first!.accessToken, 'this app refreshes each time');
    }

    await page.goto(`${app.baseUrl}/api/${api}/signout`);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await arrival(page, back);
    assert.equal(await session(page, version), null);
  });
}
