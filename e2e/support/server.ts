import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { Database } from './database.ts';
import { freePort, Running, required } from './process.ts';

export type Json = Record<string, unknown>;
type Named = { id: string; name?: string };

export type Person = { id: string; username: string; password: string };
export type Client = { id: string; secret: string };

/** A real server on a free port with a data folder of its own. */
export class Server {
  #token: Promise<string> | undefined;

  private constructor(
    private readonly running: Running,
    private readonly folder: string,
    private readonly database: Database,
    readonly endpoint: string,
    /** A machine-to-machine application that may use the Management API. */
    readonly machine: Client,
    /** Runs the server's own command line next to it. */
    readonly command: (...words: string[]) => Promise<{ stdout: string }>,
  ) {}

  /** `settings` are environment variables of the server. */
  static async start(logFolder: string, settings: NodeJS.ProcessEnv = {}): Promise<Server> {
    const program = resolve(required('TRINCO_BIN'));
    const folder = await mkdtemp(join(tmpdir(), 'trinco-e2e-'));
    const port = await freePort();
    const endpoint = `http://localhost:${port}`;
    // The server refuses TRINCO_ variables it does not know, and the tests have some of their own.
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('TRINCO_'));
    const address = { PORT: String(port), ENDPOINT: endpoint };
    const database = await Database.create();
    const env = {
      ...Object.fromEntries(inherited),
      ...address,
      ...database.settings,
      ...settings,
    };
    const data = join(folder, 'data');
    const running = await Running.start({
      command: program,
      arguments: ['serve', '--data', data],
      cwd: folder,
      env,
      log: join(logFolder, 'server.log'),
      ready: { url: `${endpoint}/api/status`, status: 204 },
    });
    const command = (...words: string[]) =>
      promisify(execFile)(program, [...words, '--data', data], { cwd: folder, env });
    const { stdout } = await command('init', '--json');
    const { appId, appSecret } = JSON.parse(stdout);
    const machine = { id: appId, secret: appSecret };
    return new Server(running, folder, database, endpoint, machine, command);
  }

  async stop(): Promise<void> {
    await this.running.stop();
    await this.database.drop();
    await rm(this.folder, { recursive: true, force: true });
  }

  get issuer(): string {
    return `${this.endpoint}/oidc`;
  }

  createApplication(name: string, baseUrl: string): Promise<Client> {
    return this.register({
      name,
      type: 'Traditional',
      oidcClientMetadata: {
        redirectUris: [`${baseUrl}/callback`],
        postLogoutRedirectUris: [baseUrl, `${baseUrl}/`],
      },
    });
  }

  /** An application as the Management API describes it; a public one has an empty secret. */
  async register(application: Json): Promise<Client> {
    const { id } = await this.create<Named>('applications', application);
    if (application.type === 'SPA' || application.type === 'Native') {
      return { id, secret: '' };
    }
    const secrets = await this.api<{ value: string }[]>('GET', `applications/${id}/secrets`);
    return { id, secret: secrets[0]!.value };
  }

  /** An API resource with the permission `read:orders`, and a role that grants it. */
  async createResource(indicator: string, ttl: number): Promise<{ role: string }> {
    const resource = { name: indicator, indicator, accessTokenTtl: ttl };
    const { id } = await this.create<Named>('resources', resource);
    const scope = await this.create<Named>(`resources/${id}/scopes`, { name: 'read:orders' });
    const role = await this.create<Named>('roles', {
      name: `reads ${indicator}`,
      description: 'Reads orders.',
      type: 'User',
      scopeIds: [scope.id],
    });
    return { role: role.id };
  }

  async createPerson(roles: string[] = []): Promise<Person> {
    const username = `person_${randomBytes(5).toString('hex')}`;
    const password = randomBytes(12).toString('base64url');
    const { id } = await this.create<Named>('users', { username, password, name: 'Ana Souza' });
    if (roles.length > 0) {
      await this.create(`users/${id}/roles`, { roleIds: roles });
    }
    return { id, username, password };
  }

  /** The organization template's one role, which grants `read:orders`. */
  async createOrganizationRole(): Promise<string> {
    const scope = await this.create<Named>('organization-scopes', { name: 'read:orders' });
    const role = await this.create<Named>('organization-roles', {
      name: 'member',
      organizationScopeIds: [scope.id],
      resourceScopeIds: [],
    });
    return role.id;
  }

  async createOrganization(name: string, role: string, member: Person): Promise<string> {
    const { id } = await this.create<Named>('organizations', { name });
    await this.create(`organizations/${id}/users`, { userIds: [member.id] });
    const roles = { organizationRoleIds: [role] };
    await this.create(`organizations/${id}/users/${member.id}/roles`, roles);
    return id;
  }

  create<T>(path: string, body: Json): Promise<T> {
    return this.api<T>('POST', path, body);
  }

  /** One call of the Management API; anything but success is an error. */
  async api<T>(method: string, path: string, body?: Json): Promise<T> {
    const response = await fetch(`${this.endpoint}/api/${path}`, {
      method,
      headers: {
        authorization: `Bearer ${await this.accessToken()}`,
        'content-type': 'application/json',
      },
      body: body && JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) {
      throw new Error(`${method} /api/${path} answered ${response.status}: ${text}`);
    }
    // Some calls answer with nothing, some with the word `Created`.
    return (/^[[{]/.test(text) ? JSON.parse(text) : undefined) as T;
  }

  private async accessToken(): Promise<string> {
    this.#token ??= this.requestToken();
    return this.#token;
  }

  private async requestToken(): Promise<string> {
    const { id, secret } = this.machine;
    const response = await fetch(`${this.issuer}/token`, {
      method: 'POST',
      headers: { authorization: basic(id, secret) },
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        resource: 'https://default.logto.app/api',
        scope: 'all',
      }),
    });
    const { access_token } = (await response.json()) as { access_token: string };
    return access_token;
  }
}

export function basic(id: string, secret: string): string {
  return `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
}
