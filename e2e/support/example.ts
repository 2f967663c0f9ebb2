import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Running } from './process.ts';
import type { Client, Server } from './server.ts';

export const exampleFolder = join(import.meta.dirname, '../../examples/next-app-router');
export const nextProgram = join('node_modules', 'next', 'dist', 'bin', 'next');

type Settings = {
  server: Server;
  client: Client;
  /** Where browsers find it; the host decides which cookies they share. */
  baseUrl: string;
  /** The API resource it asks for. */
  resource: string;
  /** Where sessions are kept when not in the cookie. */
  redisUrl?: string;
  logFolder: string;
};

/** A running copy of the example. */
export class Example {
  private constructor(
    private readonly running: Running,
    readonly baseUrl: string,
    readonly resource: string,
    readonly client: Client,
  ) {}

  static async start(settings: Settings): Promise<Example> {
    const { server, client, baseUrl, resource, redisUrl } = settings;
    const { port, hostname } = new URL(baseUrl);
    const running = await Running.start({
      command: process.execPath,
      arguments: [nextProgram, 'start', '--port', port],
      cwd: exampleFolder,
      env: {
        ...process.env,
        NODE_ENV: 'production',
        NEXT_TELEMETRY_DISABLED: '1',
        LOGTO_ENDPOINT: server.endpoint,
        LOGTO_APP_ID: client.id,
        LOGTO_APP_SECRET: client.secret,
        LOGTO_COOKIE_SECRET: randomBytes(32).toString('base64url'),
        BASE_URL: baseUrl,
        API_RESOURCE: resource,
        ORGANIZATION_ID: '',
        SESSION_STORE: redisUrl ? 'redis' : 'cookie',
        REDIS_URL: redisUrl ?? '',
      },
      log: join(settings.logFolder, `example-${hostname}.log`),
      ready: { url: baseUrl, status: 200 },
    });
    return new Example(running, baseUrl, resource, client);
  }

  /** The name of its session cookie. */
  get cookieName(): string {
    return `logto_${this.client.id}`;
  }

  stop(): Promise<void> {
    return this.running.stop();
  }
}
