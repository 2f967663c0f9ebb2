import { join } from 'node:path';
import { expect, type Locator, type Page } from '@playwright/test';
import type { Example } from './example.ts';
import type { Person } from './server.ts';

const screenshots = join(import.meta.dirname, '../test-results/screenshots');

/** The sign-in page's form. */
export function form(page: Page): { identifier: Locator; password: Locator; submit: Locator } {
  return {
    identifier: page.locator('input[name=identifier]'),
    password: page.locator('input[name=password]'),
    submit: page.locator('main form button[type=submit]').first(),
  };
}

/** From the example's home page to the server's sign-in page. */
export async function openSignIn(page: Page, example: Example): Promise<void> {
  await page.goto(example.baseUrl);
  await page.getByTestId('sign-in').click();
  await expect(form(page).password).toBeVisible();
}

export async function fillIn(
  page: Page,
  { username, password }: Pick<Person, 'username' | 'password'>,
): Promise<void> {
  await form(page).identifier.fill(username);
  await form(page).password.fill(password);
}

/** Signs in at the example, and waits until it knows who is there. */
export async function signIn(page: Page, example: Example, person: Person): Promise<void> {
  await openSignIn(page, example);
  await fillIn(page, person);
  await form(page).password.press('Enter');
  await expectSignedIn(page, example, person);
}

export async function expectSignedIn(
  page: Page,
  example: Example,
  person: Pick<Person, 'username'>,
): Promise<void> {
  await expect(page.getByTestId('claim-username')).toHaveText(person.username);
  expect(new URL(page.url()).origin).toBe(example.baseUrl);
}

/** Reads a `pre` or `code` element that shows text by its test id. */
export async function shown(page: Page, testId: string): Promise<string> {
  const text = await page.getByTestId(testId).textContent();
  expect(text).toBeTruthy();
  return text!.trim();
}

/** Keeps a picture to be looked at. */
export async function picture(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true });
}
