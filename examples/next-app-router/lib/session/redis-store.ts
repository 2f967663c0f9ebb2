import { createClient } from 'redis';
import type { SessionStore, SetOptions } from './store';

/** For several machines: Redis expires the values itself, and replaces them atomically. */
export class RedisStore implements SessionStore {
  #connection: ReturnType<typeof connect> | undefined;

  constructor(
    private readonly url: string,
    private readonly prefix = 'session:',
  ) {}

  async get(key: string): Promise<string | undefined> {
    const redis = await this.#connected();
    return (await redis.get(this.prefix + key)) ?? undefined;
  }

  async set(key: string, value: string, { ttl, onlyIfPresent }: SetOptions): Promise<boolean> {
    const redis = await this.#connected();
    const answer = await redis.set(this.prefix + key, value, {
      expiration: { type: 'EX', value: ttl },
      condition: onlyIfPresent ? 'XX' : undefined,
    });
    return answer === 'OK';
  }

  async delete(key: string): Promise<void> {
    const redis = await this.#connected();
    await redis.del(this.prefix + key);
  }

  /** Lets the process end. */
  async close(): Promise<void> {
    await (await this.#connection)?.close();
    this.#connection = undefined;
  }

  /** One connection for everybody, opened by the first request. */
  #connected(): ReturnType<typeof connect> {
    this.#connection ??= connect(this.url).catch((error) => {
      this.#connection = undefined;
      throw error;
    });
    return this.#connection;
  }
}

async function connect(url: string) {
  let connected = false;
  const client = createClient({
    url,
    socket: {
      // The first attempt fails at once, and the next request makes another. A connection that
      // was lost later is mended in the background, at least every two seconds.
      reconnectStrategy: (retries) => connected && Math.min(100 * 2 ** retries, 2000),
    },
    // While Redis is away, requests fail at once instead of waiting in a queue that grows.
    disableOfflineQueue: true,
  });
  // Without a listener an interrupted connection would end the process.
  client.on('error', (error) => console.error('redis:', error));
  await client.connect();
  connected = true;
  return client;
}
