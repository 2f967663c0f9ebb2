import { chromium as program, type Browser, type Page } from 'playwright-core';
import { chromium } from '../../e2e/support/chromium.ts';
import type { Person } from '../../e2e/support/server.ts';

/** How long anything on a page may take. */
const patience = 15_000;

/** A real browser; close it when done. */
export function startBrowser(): Promise<Browser> {
  return program.launch(chromium);
}

/** A page of a person who has been nowhere yet. */
export async function freshPage(browser: Browser): Promise<Page> {
  const context = await browser.newContext({ locale: 'en-US' });
  context.setDefaultTimeout(patience);
  return context.newPage();
}

/** Fills in the server's sign-in page, which must be on its way, and submits it. */
export async function signIn(page: Page, { username, password }: Person): Promise<void> {
  await page.locator('input[name=identifier]').fill(username);
  await page.locator('input[name=password]').fill(password);
  await page.locator('input[name=password]').press('Enter');
}

/** Waits until the page at `address` has loaded, whatever its query is. */
export function arrival(page: Page, address: string): Promise<void> {
  return page.waitForURL((url) => url.origin + url.pathname === address);
}
