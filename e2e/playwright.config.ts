import { defineConfig } from '@playwright/test';
import { chromium } from './support/chromium.ts';

/**
 * Real browser, real time, real processes: each worker has a server, two copies of the example and
 * a Redis of its own, see `support/stage.ts`. `cargo xtask test` gives what the environment needs:
 * TRINCO_BIN (the server's binary), REDIS_URL and, where it is not /usr/bin/chromium, CHROMIUM.
 */
export default defineConfig({
  testDir: 'tests',
  outputDir: 'test-results/failures',
  globalSetup: './support/build-example.ts',
  // A stage is worth several gigabytes of Next.js: one is enough.
  workers: 1,
  forbidOnly: true,
  // A test that passes at the second try has found something.
  retries: 0,
  timeout: 30_000,
  expect: { timeout: 10_000 },
  // A server that is broken altogether need not be told so fifty times.
  maxFailures: 20,
  reporter: 'list',
  use: {
    locale: 'en-US',
    trace: 'retain-on-failure',
    launchOptions: chromium,
  },
});
