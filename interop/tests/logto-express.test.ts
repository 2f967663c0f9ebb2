import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  handleAuthRoutes,
  type LogtoContext,
  type LogtoExpressConfig,
  UserScope,
  withLogto,
} from '@logto/express';
import express, { type Express } from 'express';
import session from 'express-session';
import { decodeJwt } from 'jose';
import type { Browser } from 'playwright-core';
import { arrival, freshPage, signIn, startBrowser } from '../support/browser.ts';
import { Listener } from '../support/listener.ts';
import { resource, Stage } from '../support/stage.ts';

let stage: Stage;
let browser: Browser;
let listener: Listener;
before(async () => {
  stage = await Stage.open('logto-express');
  browser = await startBrowser();
  listener = await Listener.start(app);
});
after(async () => {
  await browser?.close();
  await listener?.stop();
  await stage?.close();
});

/** The app of the SDK's own guide, with pages that show what it knows. */
async function app(baseUrl: string): Promise<Express> {
  const { id, secret } = await stage.register('Traditional', {
    oidcClientMetadata: {
      redirectUris: [`${baseUrl}/logto/sign-in-callback`],
      postLogoutRedirectUris: [baseUrl],
    },
  });
  const config: LogtoExpressConfig = {
    endpoint: stage.server.endpoint,
    appId: id,
    appSecret: secret,
    baseUrl,
    scopes: [UserScope.Organizations, 'read:orders'],
    resources: [resource],
  };
  const app = express();
  app.use(session({ secret: 'of no importance', resave: false, saveUninitialized: true }));
  app.use(handleAuthRoutes(config));
  const show = (request: express.Request, response: express.Response) => {
    response.json((request as express.Request & { user: LogtoContext }).user);
  };
  app.get('/', withLogto(config), show);
  app.get('/profile', withLogto({ ...config, fetchUserInfo: true }), show);
  app.get('/token', withLogto({ ...config, getAccessToken: true, resource }), show);
  app.get('/organizations', withLogto({ ...config, getOrganizationToken: true }), show);
  return app;
}

test('a person signs in to an express app, uses it, and signs out', async () => {
  const { baseUrl } = listener;
  const page = await freshPage(browser);
  const user = async (path: string): Promise<LogtoContext> => {
    await page.goto(baseUrl + path);
    return JSON.parse(await page.locator('pre').innerText());
  };
  assert.deepEqual(await user('/'), { isAuthenticated: false });

  await page.goto(`${baseUrl}/logto/sign-in`);
  await signIn(page, stage.person);
  await arrival(page, `${baseUrl}/`);
  const { isAuthenticated, claims } = await user('/');
  assert.deepEqual([isAuthenticated, claims?.sub], [true, stage.person.id]);
  assert.equal((await user('/profile')).userInfo?.name, 'Ana Souza');
  const token = decodeJwt((await user('/token')).accessToken!);
  assert.deepEqual([token.aud, token.scope], [resource, 'read:orders']);
  const tokens = (await user('/organizations')).organizationTokens!;
  assert.equal(
    decodeJwt(tokens[stage.organization]!).aud,
    `urn:logto:organization:${stage.organization}`,
  );

  await page.goto(`${baseUrl}/logto/sign-out`);
  await arrival(page, `${baseUrl}/`);
  assert.deepEqual(await user('/'), { isAuthenticated: false });
  await page.goto(`${baseUrl}/logto/sign-in`);
  await page.locator('input[name=password]').waitFor();
});

test('a new person is led to the registration', async () => {
  const page = await freshPage(browser);
  await page.goto(`${listener.baseUrl}/logto/sign-up`);
  await page.waitForURL((url) => url.pathname === '/register');
});
