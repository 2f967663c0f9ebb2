import { randomBytes } from 'node:crypto';
import type { SessionData, SessionWrapper } from '@logto/next';
import { keyOf, open, seal } from './seal';
import type { SessionStore } from './store';

/** Seconds: 14 days, the age the SDK gives its cookie. */
const ttl = 14 * 24 * 3600;

/**
 * Keeps each session in `store` and only its id in the cookie. Nothing is remembered between
 * two calls: many people's requests go through this one object at the same time.
 *
 * The SDK calls `unwrap` once when a request begins and `wrap` after every change, with what the
 * cookie holds at that moment as `currentValue`; what `wrap` returns becomes the cookie.
 */
export function createSessionWrapper(store: SessionStore): SessionWrapper {
  async function load(id: string, secret: string): Promise<SessionData | undefined> {
    // The cookie comes from outside: anything that is not one of our ids never reaches the store.
    const sealed = isId(id) ? await store.get(keyOf(id)) : undefined;
    const text = sealed && open(sealed, secret, id);
    return text ? JSON.parse(text) : undefined;
  }

  return {
    async unwrap(value, secret) {
      return (await load(value, secret)) ?? {};
    },

    async wrap(data, secret, currentValue = '') {
      // Taken before the first await, because the SDK goes on changing the object.
      const text = JSON.stringify(data);
      const signedIn = holdsTokens(data);

      if (text === '{}') {
        await store.delete(keyOf(currentValue));
        return '';
      }

      const before = await load(currentValue, secret);
      if (before && (!signedIn || holdsTokens(before))) {
        const sealed = seal(text, secret, currentValue);
        const kept = await store.set(keyOf(currentValue), sealed, { ttl, onlyIfPresent: true });
        return kept ? currentValue : '';
      }
      if (!before && signedIn && currentValue) {
        // The session ended while this request was at work: it must not come back to life.
        return '';
      }
      // A first visit, an id we did not make, or the moment of signing in. An id from before that
      // moment may be known to someone else, so it never becomes a signed-in one.
      await store.delete(keyOf(currentValue));
      const id = randomBytes(32).toString('base64url');
      await store.set(keyOf(id), seal(text, secret, id), { ttl });
      return id;
    },
  };
}

function isId(value: string): boolean {
  return /^[\w-]{43}$/.test(value);
}

function holdsTokens(data: SessionData): boolean {
  return Boolean(data.idToken ?? data.refreshToken);
}
