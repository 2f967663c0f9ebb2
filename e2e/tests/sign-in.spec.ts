import { randomBytes } from 'node:crypto';
import { expect, test } from '../support/stage.ts';
import { expectSignedIn, fillIn, form, openSignIn, signIn } from '../support/visit.ts';

test('somebody new registers and is signed in', async ({ page, stage: { shop } }) => {
  const person = {
    username: `nova_${randomBytes(4).toString('hex')}`,
    password: randomBytes(12).toString('base64url'),
  };
  await page.goto(shop.baseUrl);
  await page.getByTestId('register').click();
  await expect(form(page).password).toHaveAttribute('autocomplete', 'new-password');
  await fillIn(page, person);
  await form(page).submit.click();
  await expectSignedIn(page, shop, person);

  await page.getByTestId('sign-out').click();
  await expect(page.getByTestId('sign-in')).toBeVisible();
  await openSignIn(page, shop);
  await fillIn(page, person);
  await form(page).password.press('Enter');
  await expectSignedIn(page, shop, person);
});

test('a name that is taken is refused in place', async ({ page, person, stage: { shop } }) => {
  await page.goto(shop.baseUrl);
  await page.getByTestId('register').click();
  await fillIn(page, { username: person.username, password: 'another-good-password' });
  await form(page).submit.click();
  await expect(page.getByRole('alert').first()).not.toBeEmpty();
  await expect(form(page).identifier).toHaveValue(person.username);
});

test('a registered person signs in and sees their claims', async ({ page, person, stage }) => {
  await signIn(page, stage.shop, person);
  const claims = page.getByTestId('claims');
  await expect(claims).toBeVisible();
  await expect(claims.getByTestId('claim-sub')).toHaveText(person.id);
  await expect(claims.getByTestId('claim-aud')).toHaveText(stage.shop.client.id);
  await expect(claims.getByTestId('claim-iss')).toHaveText(stage.server.issuer);
  await expect(claims.getByTestId('claim-name')).toHaveText('Ana Souza');
  await expect(claims.getByTestId('claim-roles')).toContainText('reads');
});

test('a wrong password is answered in place and keeps the name', async ({
  page,
  person,
  stage: { shop },
}) => {
  await openSignIn(page, shop);
  await fillIn(page, { username: person.username, password: 'not-the-password' });
  await form(page).password.press('Enter');
  await expect(page.getByRole('alert').first()).not.toBeEmpty();
  await expect(form(page).identifier).toHaveValue(person.username);
  await expect(form(page).password).toHaveValue('');

  await fillIn(page, person);
  await form(page).password.press('Enter');
  await expectSignedIn(page, shop, person);
});

test('an unknown name looks exactly like a wrong password', async ({ page, person, stage }) => {
  const answerTo = async (username: string) => {
    await page.context().clearCookies();
    await openSignIn(page, stage.shop);
    await fillIn(page, { username, password: 'not-the-password' });
    const answered = page.waitForResponse((response) => response.request().method() === 'POST');
    await form(page).password.press('Enter');
    const { status } = await answered.then((response) => ({ status: response.status() }));
    const alert = page.getByRole('alert').first();
    await expect(alert).not.toBeEmpty();
    const text = await page.locator('main').innerText();
    return { status, text };
  };
  const wrong = await answerTo(person.username);
  const unknown = await answerTo('nobody_at_all');
  expect(unknown).toEqual(wrong);
});

test('a second application signs in without asking', async ({ page, person, stage }) => {
  await signIn(page, stage.shop, person);
  await page.goto(stage.club.baseUrl);
  await page.getByTestId('sign-in').click();
  await expectSignedIn(page, stage.club, person);
});

test('prompt=login asks again although there is a session', async ({ page, person, stage }) => {
  await signIn(page, stage.shop, person);

  const silent = stage.party.nextVisit();
  await page.goto(stage.party.authorizationUrl());
  expect((await silent).searchParams.get('code')).toBeTruthy();

  const visits = stage.party.visits.length;
  await page.goto(stage.party.authorizationUrl({ prompt: 'login' }));
  await expect(form(page).password).toBeVisible();
  expect(stage.party.visits).toHaveLength(visits);

  const asked = stage.party.nextVisit();
  await fillIn(page, person);
  await form(page).password.press('Enter');
  expect((await asked).searchParams.get('code')).toBeTruthy();
});

test('prompt=none without a session is answered to the client, not to the person', async ({
  page,
  stage: { party, server },
}) => {
  const visit = party.nextVisit();
  await page.goto(party.authorizationUrl({ prompt: 'none', state: 'silent' }));
  const { searchParams } = await visit;
  expect(searchParams.get('error')).toBe('login_required');
  expect(searchParams.get('state')).toBe('silent');
  // RFC 9207.
  expect(searchParams.get('iss')).toBe(server.issuer);
});

test('signing out ends the session at the server too', async ({ page, person, stage }) => {
  await signIn(page, stage.shop, person);
  await page.getByTestId('sign-out').click();
  await expect(page.getByTestId('sign-in')).toBeVisible();
  expect(new URL(page.url()).origin).toBe(stage.shop.baseUrl);

  // Neither this application nor another one gets in without the password.
  await openSignIn(page, stage.shop);
  await openSignIn(page, stage.club);
});

test('two tabs sign in to two applications at the same time', async ({ context, person, stage }) => {
  const [first, second] = [await context.newPage(), await context.newPage()];
  await openSignIn(first, stage.shop);
  await openSignIn(second, stage.club);
  await fillIn(first, person);
  await form(first).password.press('Enter');
  await expectSignedIn(first, stage.shop, person);
  await fillIn(second, person);
  await form(second).password.press('Enter');
  await expectSignedIn(second, stage.club, person);
});
