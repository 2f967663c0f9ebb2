import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { expect, type Stage, test } from '../support/stage.ts';
import { fillIn, form, openSignIn, picture, signIn } from '../support/visit.ts';
import type { Person } from '../support/server.ts';

type Scene = { name: string; show: (page: Page, stage: Stage, person: Person) => Promise<unknown> };

/** Every page state of the server a person can meet. */
const scenes: Scene[] = [
  { name: 'sign-in', show: (page, stage) => openSignIn(page, stage.shop) },
  {
    name: 'sign-in-refused',
    show: async (page, stage, { username }) => {
      await openSignIn(page, stage.shop);
      await fillIn(page, { username, password: 'not-the-password' });
      await form(page).password.press('Enter');
      await expect(page.getByRole('alert').first()).not.toBeEmpty();
    },
  },
  {
    name: 'register',
    show: async (page, stage) => {
      await page.goto(stage.shop.baseUrl);
      await page.getByTestId('register').click();
      await expect(form(page).password).toBeVisible();
    },
  },
  {
    name: 'register-refused',
    show: async (page, stage, { username }) => {
      await page.goto(stage.shop.baseUrl);
      await page.getByTestId('register').click();
      await fillIn(page, { username, password: 'another-good-password' });
      await form(page).submit.click();
      await expect(page.getByRole('alert').first()).not.toBeEmpty();
    },
  },
  {
    name: 'error',
    show: (page, { party }) =>
      page.goto(party.authorizationUrl({ redirect_uri: 'https://elsewhere.example/' })),
  },
  {
    // Without an application to go back to, the person decides.
    name: 'sign-out',
    show: async (page, stage, person) => {
      await signIn(page, stage.shop, person);
      await page.goto(`${stage.server.issuer}/session/end`);
      await expect(form(page).submit).toBeVisible();
    },
  },
  {
    name: 'signed-out',
    show: async (page, stage, person) => {
      await signIn(page, stage.shop, person);
      await page.goto(`${stage.server.issuer}/session/end`);
      await form(page).submit.click();
      await page.waitForLoadState();
      await expect(page.getByRole('heading').first()).toBeVisible();
    },
  },
];

const looks = [
  { name: 'light', use: { colorScheme: 'light' } },
  { name: 'dark', use: { colorScheme: 'dark' } },
  { name: 'phone', use: { colorScheme: 'light', viewport: { width: 375, height: 720 } } },
] as const;

for (const look of looks) {
  test.describe(look.name, () => {
    test.use(look.use);
    for (const scene of scenes) {
      test(`${scene.name} breaks no accessibility rule in ${look.name}`, async ({
        page,
        person,
        stage,
      }) => {
        await scene.show(page, stage, person);
        expect(new URL(page.url()).origin).toBe(stage.server.endpoint);
        await picture(page, `${scene.name}-${look.name}`);
        const { violations } = await new AxeBuilder({ page }).analyze();
        const found = violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
        expect(found).toEqual([]);
        const { scrollWidth, clientWidth } = await page.evaluate(() => {
          const { scrollWidth, clientWidth } = document.documentElement;
          return { scrollWidth, clientWidth };
        });
        expect(scrollWidth, 'nothing to scroll sideways').toBeLessThanOrEqual(clientWidth);
      });
    }
  });
}

test('the sign-in page is reached, filled in and sent with the keyboard alone', async ({
  page,
  person,
  stage,
}) => {
  await openSignIn(page, stage.shop);
  await expect(form(page).identifier).toBeFocused();
  await page.keyboard.type(person.username);
  await page.keyboard.press('Tab');
  await expect(form(page).password).toBeFocused();
  await page.keyboard.type(person.password);
  await page.keyboard.press('Enter');
  await expect(page.getByTestId('claim-username')).toHaveText(person.username);
});

test('the sign-in page runs no inline script and reports nothing to the console', async ({
  page,
  stage,
}) => {
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) {
      complaints.push(message.text());
    }
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto(stage.shop.baseUrl);
  complaints.length = 0;
  await page.getByTestId('sign-in').click();
  await expect(form(page).password).toBeVisible();
  const response = await page.reload();
  expect(complaints).toEqual([]);
  const policy = response?.headers()['content-security-policy'] ?? '';
  expect(policy).toContain("form-action 'self'");
  expect(policy).not.toContain("'unsafe-inline'");
  expect(policy).not.toContain("'unsafe-eval'");
});
