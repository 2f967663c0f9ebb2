import { expect, test } from '../support/stage.ts';
import { expectSignedIn, fillIn, form } from '../support/visit.ts';

test.use({ javaScriptEnabled: false });

// The club is on another site than the server: every form post that ends in a redirect has to pass
// the browser's `form-action` check.
test('signing in and out across sites works without JavaScript', async ({ page, person, stage }) => {
  const { club, server } = stage;
  expect(new URL(club.baseUrl).hostname).not.toBe(new URL(server.endpoint).hostname);
  await page.goto(club.baseUrl);
  await page.getByTestId('sign-in').click();
  await fillIn(page, person);
  await form(page).submit.click();
  await expectSignedIn(page, club, person);

  await page.getByTestId('sign-out').click();
  // What a script would have sent by itself waits for a click.
  await form(page).submit.click();
  await expect(page.getByTestId('sign-in')).toBeVisible();
  expect(new URL(page.url()).origin).toBe(club.baseUrl);
});

test('a wrong password is answered in place without JavaScript', async ({ page, person, stage }) => {
  await page.goto(stage.club.baseUrl);
  await page.getByTestId('sign-in').click();
  await fillIn(page, { username: person.username, password: 'not-the-password' });
  await form(page).submit.click();
  await expect(page.getByRole('alert').first()).not.toBeEmpty();
  await expect(form(page).identifier).toHaveValue(person.username);
});
