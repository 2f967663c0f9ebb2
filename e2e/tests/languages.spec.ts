import { expect, test } from '../support/stage.ts';
import { form, openSignIn } from '../support/visit.ts';

test.describe('in a Brazilian browser', () => {
  test.use({ locale: 'pt-BR' });

  test('the sign-in page speaks Portuguese', async ({ page, stage: { shop } }) => {
    await openSignIn(page, shop);
    await expect(page.locator('html')).toHaveAttribute('lang', 'pt-BR');
    await expect(form(page).submit).toHaveText(/entrar/i);
  });

  test('ui_locales wins over the browser', async ({ page, stage: { party } }) => {
    await page.goto(party.authorizationUrl({ ui_locales: 'en' }));
    await expect(page.locator('html')).toHaveAttribute('lang', 'en');
    await expect(form(page).submit).toHaveText(/sign in/i);
  });
});

test('ui_locales asks for Portuguese in an English browser', async ({ page, stage: { party } }) => {
  await page.goto(party.authorizationUrl({ ui_locales: 'pt-BR en' }));
  await expect(page.locator('html')).toHaveAttribute('lang', 'pt-BR');
  await expect(form(page).submit).toHaveText(/entrar/i);

  // It stays so when the page answers.
  await form(page).identifier.fill('ninguem');
  await form(page).password.fill('uma-senha-qualquer');
  await form(page).password.press('Enter');
  await expect(page.getByRole('alert').first()).not.toBeEmpty();
  await expect(page.locator('html')).toHaveAttribute('lang', 'pt-BR');
});
