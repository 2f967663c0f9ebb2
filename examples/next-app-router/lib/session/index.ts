import type { SessionWrapper } from '@logto/next';
import { address, optional } from '@/lib/env';
import { FileStore } from './file-store';
import { RedisStore } from './redis-store';
import type { SessionStore } from './store';
import { createSessionWrapper } from './wrapper';

/** What SESSION_STORE asks for; undefined leaves the whole session in the cookie. */
export function chosenSessionWrapper(): SessionWrapper | undefined {
  const name = optional('SESSION_STORE', 'cookie');
  if (name === 'cookie') {
    return undefined;
  }
  return createSessionWrapper(store(name));
}

function store(name: string): SessionStore {
  switch (name) {
    case 'file':
      return new FileStore('.sessions');
    case 'redis':
      return new RedisStore(address('REDIS_URL', 'redis://localhost:6379'));
    default:
      throw new Error(`SESSION_STORE is "${name}": expected cookie, file or redis.`);
  }
}
