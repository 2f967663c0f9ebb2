import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort, Running } from '../../e2e/support/process.ts';
import type { Stage } from './stage.ts';

const folder = join(import.meta.dirname, '../apps/next-auth');
const program = join(import.meta.dirname, '../node_modules/next/dist/bin/next');

/** The Next.js app with both generations of next-auth, built and running. */
export class NextAuthApp {
  private constructor(
    private readonly running: Running,
    readonly baseUrl: string,
  ) {}

  static async start(stage: Stage): Promise<NextAuthApp> {
    const port = await freePort();
    const baseUrl = `http://localhost:${port}`;
    const client = await stage.register('Traditional', {
      oidcClientMetadata: {
        redirectUris: [
          `${baseUrl}/api/auth/callback/trinco`,
          `${baseUrl}/api/auth5/callback/logto`,
        ],
        postLogoutRedirectUris: [baseUrl],
      },
    });
    const env: NodeJS.ProcessEnv = {
      ...process.env,
      NODE_ENV: 'production',
      NEXT_TELEMETRY_DISABLED: '1',
      ISSUER: stage.server.issuer,
      CLIENT_ID: client.id,
      CLIENT_SECRET: client.secret,
      // Version 4 wants to be told where it is; version 5 sees that in its requests.
      NEXTAUTH_URL: baseUrl,
      NEXTAUTH_SECRET: randomBytes(32).toString('base64url'),
      AUTH_SECRET: randomBytes(32).toString('base64url'),
    };
    await promisify(execFile)(process.execPath, [program, 'build'], { cwd: folder, env });
    const running = await Running.start({
      command: process.execPath,
      arguments: [program, 'start', '--port', String(port)],
      cwd: folder,
      env,
      log: join(stage.logs, 'next.log'),
      ready: { url: baseUrl, status: 200 },
    });
    return new NextAuthApp(running, baseUrl);
  }

  stop(): Promise<void> {
    return this.running.stop();
  }
}
