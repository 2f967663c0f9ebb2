import { createServer, type RequestListener } from 'node:http';
import { freePort } from '../../e2e/support/process.ts';

/** An app of the test's own process on a free port. */
export class Listener {
  private constructor(
    private readonly server: ReturnType<typeof createServer>,
    readonly baseUrl: string,
  ) {}

  /** `app` is made for the address it will have. */
  static async start(
    app: (baseUrl: string) => RequestListener | Promise<RequestListener>,
    host = 'localhost',
  ): Promise<Listener> {
    const port = await freePort();
    const baseUrl = `http://${host}:${port}`;
    const server = createServer(await app(baseUrl));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', resolve);
    });
    return new Listener(server, baseUrl);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
