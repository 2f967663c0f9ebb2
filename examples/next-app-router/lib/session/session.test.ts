import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { type PersistKey, type SessionWrapper } from '@logto/next';
// What @logto/next itself keeps sessions with: the tests drive the wrapper as the SDK does.
import { CookieStorage } from '@logto/node';
import { FileStore } from './file-store';
import { RedisStore } from './redis-store';
import { keyOf, open, seal } from './seal';
import type { SessionStore } from './store';
import { createSessionWrapper } from './wrapper';

const secret = 'a secret of at least thirty-two characters';
const day = 24 * 3600_000;
const name = 'logto_app';

const folder = await mkdtemp(join(tmpdir(), 'sessions-'));
let time = Date.UTC(2026, 0, 1);
const files = new FileStore(folder, () => time);
after(() => rm(folder, { recursive: true }));

/** A browser: one cookie, and requests that carry it. */
class Browser {
  cookie = '';

  constructor(private readonly wrapper: SessionWrapper) {}

  async request(readOnly = false) {
    const storage = new CookieStorage({
      cookieKey: name,
      encryptionKey: secret,
      sessionWrapper: this.wrapper,
      getCookie: () => this.cookie,
      setCookie: (_, value) => {
        // A server component cannot set cookies; the SDK then drops the change.
        if (!readOnly) this.cookie = value;
      },
    } as ConstructorParameters<typeof CookieStorage>[0]);
    await storage.init();
    return {
      get: (key: string) => storage.getItem(key as PersistKey),
      set: (key: string, value: string) => storage.setItem(key as PersistKey, value),
      remove: (key: string) => storage.removeItem(key as PersistKey),
      destroy: () => storage.destroy(),
    };
  }

  /** The two requests of a sign-in, with the writes the SDK makes in each. */
  async signIn(user: string) {
    const departure = await this.request();
    await departure.set('signInSession', `{"state":"${user}"}`);
    const callback = await this.request();
    await callback.set('refreshToken', `refresh ${user}`);
    await callback.set('idToken', `id ${user}`);
    await callback.set('accessToken', '{}');
    await callback.remove('signInSession');
  }
}

const stores: [string, SessionStore][] = [['files', files]];
const redisUrl = process.env.REDIS_URL;
if (redisUrl) {
  const redis = new RedisStore(redisUrl, `test-${process.pid}-${Date.now()}:`);
  stores.push(['Redis', redis]);
  after(() => redis.close());
}

for (const [title, store] of stores) {
  describe(`sessions kept in ${title}`, () => {
    const wrapper = createSessionWrapper(store);

    test('a session written by one request is read by the next', async () => {
      const browser = new Browser(wrapper);
      await browser.signIn('ana');
      const request = await browser.request();
      assert.equal(await request.get('idToken'), 'id ana');
      assert.equal(await request.get('signInSession'), null);
    });

    test('people who use the app at the same time never see one another', async () => {
      const people = Array.from({ length: 40 }, (_, number) => `user ${number}`);
      const browsers = people.map(() => new Browser(wrapper));
      await Promise.all(browsers.map((browser, i) => browser.signIn(people[i]!)));
      const seen = await Promise.all(
        browsers.map(async (browser) => (await browser.request()).get('idToken')),
      );
      assert.deepEqual(seen, people.map((user) => `id ${user}`));
      assert.equal(new Set(browsers.map(({ cookie }) => cookie)).size, people.length);
    });

    test('later changes keep the id, so sessions do not multiply', async () => {
      const browser = new Browser(wrapper);
      await browser.signIn('ana');
      const { cookie } = browser;
      for (let turn = 0; turn < 5; turn += 1) {
        await (await browser.request()).set('accessToken', `{"turn":${turn}}`);
      }
      assert.equal(browser.cookie, cookie);
      assert.equal(await (await browser.request()).get('accessToken'), '{"turn":4}');
    });

    test('a change made where cookies cannot be set is kept all the same', async () => {
      const browser = new Browser(wrapper);
      await browser.signIn('ana');
      await (await browser.request(true)).set('refreshToken', 'the next one');
      assert.equal(await (await browser.request()).get('refreshToken'), 'the next one');
    });

    test('signing in changes the id and forgets the one from before', async () => {
      const browser = new Browser(wrapper);
      await (await browser.request()).set('signInSession', '{}');
      const before = browser.cookie;
      await browser.signIn('ana');
      assert.notEqual(browser.cookie, before);
      const eavesdropper = new Browser(wrapper);
      eavesdropper.cookie = before;
      assert.equal(await (await eavesdropper.request()).get('idToken'), null);
      assert.equal(await store.get(keyOf(before)), undefined);
    });

    test('an id this app did not make is never taken over', async () => {
      for (const planted of ['known', 'A'.repeat(43), '../../etc/passwd', 'x'.repeat(100_000)]) {
        const browser = new Browser(wrapper);
        browser.cookie = planted;
        assert.equal(await (await browser.request()).get('idToken'), null);
        await browser.signIn('ana');
        assert.notEqual(browser.cookie, planted);
        assert.equal(await store.get(keyOf(planted)), undefined);
      }
    });

    test('signing out forgets the session and the next user gets another id', async () => {
      const browser = new Browser(wrapper);
      await browser.signIn('ana');
      const { cookie } = browser;
      await (await browser.request()).destroy();
      assert.equal(browser.cookie, '');
      assert.equal(await store.get(keyOf(cookie)), undefined);
      await browser.signIn('bia');
      assert.notEqual(browser.cookie, cookie);
      assert.equal(await (await browser.request()).get('idToken'), 'id bia');
    });

    test('a request still at work does not bring a closed session back', async () => {
      const browser = new Browser(wrapper);
      await browser.signIn('ana');
      const slow = await browser.request();
      await (await browser.request()).destroy();
      await slow.set('accessToken', '{"late":true}');
      assert.equal(browser.cookie, '');
      assert.equal(await (await browser.request()).get('idToken'), null);
    });

    test('a session that ends between the read and the write stays ended', async () => {
      const browser = new Browser(wrapper);
      await browser.signIn('ana');
      const race = createSessionWrapper({
        get: async (key) => {
          const value = await store.get(key);
          await store.delete(key);
          return value;
        },
        set: (key, value, options) => store.set(key, value, options),
        delete: (key) => store.delete(key),
      });
      assert.equal(await race.wrap({ idToken: 'id ana' } as never, secret, browser.cookie), '');
      assert.equal(await store.get(keyOf(browser.cookie)), undefined);
    });

    test('a value is replaced only where there is one', async () => {
      const key = keyOf(`absent ${title}`);
      assert.equal(await store.set(key, 'one', { ttl: 60, onlyIfPresent: true }), false);
      assert.equal(await store.get(key), undefined);
      assert.equal(await store.set(key, 'one', { ttl: 60 }), true);
      assert.equal(await store.set(key, 'two', { ttl: 60, onlyIfPresent: true }), true);
      assert.equal(await store.get(key), 'two');
      await store.delete(key);
      await store.delete(key);
      assert.equal(await store.get(key), undefined);
    });
  });
}

test('ids carry 256 random bits', async () => {
  const wrapper = createSessionWrapper(files);
  const ids = await Promise.all(
    Array.from({ length: 200 }, () => wrapper.wrap({ signInSession: '{}' } as never, secret, '')),
  );
  assert.equal(new Set(ids).size, ids.length);
  for (const id of ids) {
    assert.equal(Buffer.from(id, 'base64url').length, 32);
  }
  // Of the 256 bits each is set in about half of the ids; 40 of 200 would be 8.5 deviations away.
  for (let bit = 0; bit < 256; bit += 1) {
    const set = ids.filter((id) => Buffer.from(id, 'base64url')[bit >> 3]! & (1 << (bit & 7)));
    assert.ok(set.length > 40 && set.length < 160, `bit ${bit} was set ${set.length} times`);
  }
});

test('a session lasts 14 days from its last change', async () => {
  const browser = new Browser(createSessionWrapper(files));
  await browser.signIn('ana');
  time += 13 * day;
  await (await browser.request()).set('accessToken', '{}');
  time += 13 * day;
  assert.equal(await (await browser.request()).get('idToken'), 'id ana');
  time += day;
  assert.equal(await (await browser.request()).get('idToken'), null);
});

test('files of sessions that are over are removed', async () => {
  const browser = new Browser(createSessionWrapper(files));
  await browser.signIn('ana');
  const file = join(folder, `${keyOf(browser.cookie)}.json`);
  time += 15 * day;
  await new Browser(createSessionWrapper(files)).signIn('bia');
  await assert.rejects(stat(file), { code: 'ENOENT' });
});

test('what lies on disk tells neither tokens nor ids, to its owner alone', async () => {
  const browser = new Browser(createSessionWrapper(files));
  await browser.signIn('ana');
  const file = join(folder, `${keyOf(browser.cookie)}.json`);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.doesNotMatch(await readFile(file, 'utf8'), /ana/);
  const names = await readdir(folder);
  assert.ok(names.every((name) => !name.includes(browser.cookie)));
});

test('a sealed session opens only with its secret, its id and every bit in place', () => {
  const sealed = seal('text', secret, 'id');
  assert.equal(open(sealed, secret, 'id'), 'text');
  assert.equal(open(sealed, `${secret}.`, 'id'), undefined);
  assert.equal(open(sealed, secret, 'another id'), undefined);
  const bytes = Buffer.from(sealed, 'base64url');
  for (let i = 0; i < bytes.length; i += 1) {
    const changed = Buffer.from(bytes);
    changed[i]! ^= 1;
    assert.equal(open(changed.toString('base64url'), secret, 'id'), undefined);
  }
  assert.equal(open('', secret, 'id'), undefined);
  assert.throws(() => seal('text', '', 'id'), /LOGTO_COOKIE_SECRET/);
});
