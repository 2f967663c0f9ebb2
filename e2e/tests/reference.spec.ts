import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { expect, test } from '@playwright/test';
import { Server } from '../support/server.ts';
import { picture } from '../support/visit.ts';

let server: Server;

test.beforeAll(async () => {
  const logFolder = join(import.meta.dirname, '../test-results/logs/reference');
  await mkdir(logFolder, { recursive: true });
  server = await Server.start(logFolder);
});

test.afterAll(() => server?.stop());

const looks = [
  { name: 'light', use: { colorScheme: 'light', viewport: { width: 1280, height: 900 } } },
  { name: 'dark', use: { colorScheme: 'dark', viewport: { width: 1280, height: 900 } } },
  { name: 'phone', use: { colorScheme: 'light', viewport: { width: 360, height: 740 } } },
  { name: 'dark-phone', use: { colorScheme: 'dark', viewport: { width: 360, height: 740 } } },
] as const;

for (const look of looks) {
  test.describe(look.name, () => {
    test.use(look.use);
    // The rules are held against every member of every object.
    test.setTimeout(60_000);
    for (const area of ['', '/applications']) {
      test(`the reference${area} breaks no accessibility rule in ${look.name}`, async ({ page }) => {
        const complaints: string[] = [];
        page.on('console', (message) => complaints.push(message.text()));
        await page.goto(`${server.endpoint}/api/reference${area}`);
        await picture(page, `reference${area.replace('/', '-')}-${look.name}`);
        // What is folded is read as well.
        await page.evaluate(() => {
          for (const folded of document.querySelectorAll('details')) {
            folded.open = true;
          }
        });
        const { violations } = await new AxeBuilder({ page }).analyze();
        const found = violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
        expect(found).toEqual([]);
        const { scrollWidth, clientWidth } = await page.evaluate(() => {
          const { scrollWidth, clientWidth } = document.documentElement;
          return { scrollWidth, clientWidth };
        });
        expect(scrollWidth, 'nothing to scroll sideways').toBeLessThanOrEqual(clientWidth);
        expect(complaints).toEqual([]);
      });
    }
  });
}

test.describe('without JavaScript', () => {
  test.use({ javaScriptEnabled: false });

  test('an operation is found from the overview with the keyboard alone', async ({ page }) => {
    await page.goto(`${server.endpoint}/api/reference`);
    await page.keyboard.press('Tab');
    await expect(page.getByRole('link', { name: 'Skip to the content' })).toBeFocused();
    const link = page.getByRole('main').getByRole('link', { name: 'Create a user', exact: true });
    await link.focus();
    await page.keyboard.press('Enter');
    await expect(page).toHaveURL(/\/api\/reference\/users#/);
    const operation = page.getByRole('region', { name: 'Create a user', exact: true });
    await expect(operation.getByRole('heading', { name: 'Create a user' })).toBeInViewport();
    await expect(operation.getByText('curl -X POST')).toBeVisible();
  });

  test('what is folded opens with the keyboard', async ({ page }) => {
    await page.goto(`${server.endpoint}/api/reference/applications`);
    const folded = page.locator('details').first();
    await expect(folded.locator('dl').first()).toBeHidden();
    await folded.locator('summary').first().focus();
    await page.keyboard.press('Enter');
    await expect(folded.locator('dl').first()).toBeVisible();
  });
});
