import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test as base } from '@playwright/test';
import { Example } from './example.ts';
import { freePort, required } from './process.ts';
import { RelyingParty } from './relying-party.ts';
import { type Person, Server } from './server.ts';

export { expect } from '@playwright/test';

/** What is on stage in every test. */
export type Stage = {
  server: Server;
  /** The example as the tutorial leaves it: session in the cookie, same host as the server. */
  shop: Example;
  /** Session in Redis, access tokens of two seconds, on another site than the server. */
  club: Example;
  party: RelyingParty;
  /** Grants `read:orders` at the API of the shop and at the club's. */
  roles: string[];
  /** The one role of the organization template. */
  organizationRole: string;
};

type Fixtures = {
  /** Somebody new, who may read orders. */
  person: Person;
};

/** Seconds the club's access tokens live. */
export const clubTokenTtl = 2;

export const test = base.extend<Fixtures, { stage: Stage }>({
  stage: [
    async ({}, use, { workerIndex }) => {
      const logFolder = join(import.meta.dirname, '../test-results/logs', String(workerIndex));
      await mkdir(logFolder, { recursive: true });
      const server = await Server.start(logFolder);
      const stage = await dress(server, logFolder);
      await use(stage);
      await Promise.all([stage.shop.stop(), stage.club.stop(), stage.party.stop()]);
      await server.stop();
    },
    { scope: 'worker', timeout: 120_000 },
  ],
  person: async ({ stage }, use) => {
    await use(await stage.server.createPerson(stage.roles));
  },
});

async function dress(server: Server, logFolder: string): Promise<Stage> {
  const shopResource = 'https://shopping.your-app.com/api';
  const clubResource = 'https://club.example/api';
  const forShop = await server.createResource(shopResource, 3600);
  const forClub = await server.createResource(clubResource, clubTokenTtl);
  const organizationRole = await server.createOrganizationRole();

  const shopUrl = `http://localhost:${await freePort()}`;
  const shop = await Example.start({
    server,
    client: await server.createApplication('Shop', shopUrl),
    baseUrl: shopUrl,
    resource: shopResource,
    logFolder,
  });
  const clubUrl = `http://127.0.0.1:${await freePort()}`;
  const club = await Example.start({
    server,
    client: await server.createApplication('Club', clubUrl),
    baseUrl: clubUrl,
    resource: clubResource,
    redisUrl: required('REDIS_URL'),
    logFolder,
  });
  const party = await RelyingParty.start(server);
  return { server, shop, club, party, roles: [forShop.role, forClub.role], organizationRole };
}
