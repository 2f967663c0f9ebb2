import type { BrowserContext } from '@playwright/test';
import type { Example } from '../support/example.ts';
import { expect, test } from '../support/stage.ts';
import { signIn } from '../support/visit.ts';

async function sessionCookie(context: BrowserContext, example: Example) {
  const cookies = await context.cookies(example.baseUrl);
  const cookie = cookies.find(({ name }) => name === example.cookieName);
  expect(cookie).toBeDefined();
  return cookie!;
}

test('with Redis the cookie holds an opaque id and nothing else', async ({
  page,
  context,
  person,
  stage,
}) => {
  await signIn(page, stage.club, person);
  const { value, httpOnly, sameSite } = await sessionCookie(context, stage.club);
  expect(value.length).toBeLessThanOrEqual(100);
  expect(value).not.toContain('.');
  for (const hidden of [person.id, person.username, stage.club.client.id, 'eyJ']) {
    expect(value).not.toContain(hidden);
    expect(Buffer.from(value, 'base64url').toString('latin1')).not.toContain(hidden);
  }
  expect({ httpOnly, sameSite }).toEqual({ httpOnly: true, sameSite: 'Lax' });
});

test('two browsers at once never see each other’s session', async ({ browser, stage }) => {
  const { club, server, roles } = stage;
  const guests = await Promise.all(
    Array.from({ length: 2 }, async () => {
      const context = await browser.newContext();
      const page = await context.newPage();
      return { context, page, person: await server.createPerson(roles) };
    }),
  );
  await Promise.all(guests.map(({ page, person }) => signIn(page, club, person)));

  const ids = await Promise.all(guests.map(({ context }) => sessionCookie(context, club)));
  expect(new Set(ids.map(({ value }) => value)).size).toBe(2);

  // Requests of both, interleaved: each must be answered to the one who asked.
  for (let round = 0; round < 5; round += 1) {
    await Promise.all(
      guests.flatMap(({ page, person }) =>
        Array.from({ length: 4 }, async () => {
          const answer = await page.request.get(`${club.baseUrl}/api/my-orders`);
          expect(await answer.json()).toMatchObject({ customer: person.id });
        }),
      ),
    );
  }
  for (const { page, person } of guests) {
    await page.goto(club.baseUrl);
    await expect(page.getByTestId('claim-sub')).toHaveText(person.id);
  }
  await Promise.all(guests.map(({ context }) => context.close()));
});

test('a stolen id is worth nothing after signing out', async ({ page, context, person, stage }) => {
  const { club } = stage;
  await signIn(page, club, person);
  const stolen = await sessionCookie(context, club);
  await page.getByTestId('sign-out').click();
  await expect(page.getByTestId('sign-in')).toBeVisible();

  await context.clearCookies();
  await context.addCookies([stolen]);
  await page.goto(club.baseUrl);
  await expect(page.getByTestId('sign-in')).toBeVisible();
});
