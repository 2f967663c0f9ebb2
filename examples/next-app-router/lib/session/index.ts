import type { SessionWrapper } from '@logto/next';
import { optional } from '@/lib/env';
import { FileStore } from './file-store';
// region redis
import { RedisStore } from './redis-store';
// endregion
import type { SessionStore } from './store';
import { createSessionWrapper } from './wrapper';

/** What SESSION_STORE asks for; undefined leaves the whole session in the cookie. */
export function chosenSessionWrapper(): SessionWrapper | undefined {
  const name = optional('SESSION_STORE', 'cookie');
  return name === 'cookie' ? undefined : createSessionWrapper(store(name));
}

function store(name: string): SessionStore {
  switch (name) {
    case 'file':
      return new FileStore('.sessions');
    // region redis
    case 'redis':
      return new RedisStore(optional('REDIS_URL', 'redis://localhost:6379'));
    // endregion
    default:
      throw new Error(`SESSION_STORE is "${name}", and lib/session/index.ts knows no such store.`);
  }
}
