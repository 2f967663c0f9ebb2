import { createHash, randomBytes } from 'node:crypto';
import { createServer, type Server as Listener } from 'node:http';
import { freePort } from './process.ts';
import { basic, type Client, type Server } from './server.ts';

export type TokenResponse = {
  status: number;
  body: {
    access_token?: string;
    refresh_token?: string;
    id_token?: string;
    error?: string;
    code?: string;
    message?: string;
  };
};

/**
 * A client written out by hand, for what no library lets one do: it keeps the authorization code
 * in view and may send it twice.
 */
export class RelyingParty {
  readonly verifier = randomBytes(32).toString('base64url');
  /** The addresses browsers have been sent to, without those they ask for by themselves. */
  readonly visits: URL[] = [];
  private waiting: ((url: URL) => void)[] = [];

  private constructor(
    private readonly listener: Listener,
    private readonly server: Server,
    readonly client: Client,
    readonly baseUrl: string,
  ) {}

  static async start(server: Server): Promise<RelyingParty> {
    const port = await freePort();
    const baseUrl = `http://localhost:${port}`;
    const client = await server.createApplication('Relying party', baseUrl);
    const listener = createServer((request, response) => {
      const url = new URL(request.url ?? '/', baseUrl);
      if (url.pathname !== '/favicon.ico') {
        party.visits.push(url);
        party.waiting.shift()?.(url);
      }
      response.setHeader('content-type', 'text/html');
      response.end('<!doctype html><title>Arrived</title><h1>Arrived</h1>');
    });
    const party = new RelyingParty(listener, server, client, baseUrl);
    await new Promise<void>((resolve) => listener.listen(port, '127.0.0.1', resolve));
    return party;
  }

  get redirectUri(): string {
    return `${this.baseUrl}/callback`;
  }

  authorizationUrl(changes: Record<string, string> = {}): string {
    const challenge = createHash('sha256').update(this.verifier).digest('base64url');
    const url = new URL(`${this.server.issuer}/auth`);
    url.search = new URLSearchParams({
      client_id: this.client.id,
      redirect_uri: this.redirectUri,
      response_type: 'code',
      scope: 'openid offline_access profile',
      prompt: 'consent',
      state: randomBytes(8).toString('hex'),
      code_challenge: challenge,
      code_challenge_method: 'S256',
      ...changes,
    }).toString();
    return url.href;
  }

  /** The next address a browser is sent to. */
  nextVisit(): Promise<URL> {
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  exchange(code: string): Promise<TokenResponse> {
    return this.token({
      grant_type: 'authorization_code',
      code,
      redirect_uri: this.redirectUri,
      code_verifier: this.verifier,
    });
  }

  refresh(refreshToken: string): Promise<TokenResponse> {
    return this.token({ grant_type: 'refresh_token', refresh_token: refreshToken });
  }

  /** RFC 7662: whether the server still honours a token. */
  async isActive(token: string): Promise<boolean> {
    const response = await this.post('/token/introspection', { token });
    const { active } = (await response.json()) as { active: boolean };
    return active;
  }

  async userinfo(accessToken: string): Promise<Response> {
    const headers = { authorization: `Bearer ${accessToken}` };
    return fetch(`${this.server.issuer}/me`, { headers });
  }

  async stop(): Promise<void> {
    this.listener.closeAllConnections();
    await new Promise((resolve) => this.listener.close(resolve));
  }

  private async token(form: Record<string, string>): Promise<TokenResponse> {
    const response = await this.post('/token', form);
    return { status: response.status, body: (await response.json()) as TokenResponse['body'] };
  }

  private post(path: string, form: Record<string, string>): Promise<Response> {
    return fetch(this.server.issuer + path, {
      method: 'POST',
      headers: { authorization: basic(this.client.id, this.client.secret) },
      body: new URLSearchParams(form),
    });
  }
}
