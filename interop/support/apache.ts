import { execFileSync } from 'node:child_process';
import { createPublicKey, generateKeyPairSync, type JsonWebKey, randomBytes } from 'node:crypto';
import { chown, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, Running } from '../../e2e/support/process.ts';
import { redirectUri, resource, type Stage } from './stage.ts';

/** Where Debian keeps the modules. */
const modules = process.env.APACHE_MODULES ?? '/usr/lib/apache2/modules';
const program = process.env.APACHE ?? '/usr/sbin/apache2';

/** One site: how its module talks to the server, and where it is. */
export type Site = { baseUrl: string; clientId: string };

const sites = {
  /**
   * Secret in the header, PKCE. Its API verifies JWTs by a key of the server: in a file, since the module takes addresses
   * of keys by https only, and an RSA key, since Debian 12's module crashes when it reads another.
   */
  basic: (_: string, __: unknown, folder: string, kid: string) => `
    OIDCProviderTokenEndpointAuth client_secret_basic
    OIDCPKCEMethod S256
    OIDCOAuthVerifyCertFiles ${kid}#${folder}/server.pem
    OIDCOAuthRemoteUserClaim sub`,
  /**
   * Secret in the body; the request is posted and the answer comes back as a form. Its API introspects, at the endpoint that
   * RFC 8414's metadata names.
   */
  post: (issuer: string, { id, secret }: { id: string; secret: string }) => `
    OIDCProviderTokenEndpointAuth client_secret_post
    OIDCProviderAuthRequestMethod POST
    OIDCResponseMode form_post
    OIDCUserInfoTokenMethod post_param
    OIDCOAuthServerMetadataURL ${issuer}/.well-known/oauth-authorization-server
    OIDCOAuthIntrospectionEndpointAuth client_secret_post
    OIDCOAuthClientID ${id}
    OIDCOAuthClientSecret ${secret}
    OIDCOAuthRemoteUserClaim sub`,
  /** A key of its own. The module crashes unless it has the public half as well. */
  key: (_: string, __: unknown, folder: string) => `
    OIDCPrivateKeyFiles mine#${folder}/client.pem
    OIDCPublicKeyFiles mine#${folder}/client-public.pem
    OIDCProviderTokenEndpointAuth private_key_jwt
    OIDCPKCEMethod S256`,
};

export type SiteName = keyof typeof sites;

/** Apache with mod_auth_openidc, a process of the test, run by nobody in particular. */
export class Apache {
  private constructor(
    private readonly running: Running,
    private readonly folder: string,
    readonly sites: Record<SiteName, Site>,
  ) {}

  /** The server must sign with an RSA key at this moment. */
  static async start(stage: Stage): Promise<Apache> {
    const folder = await mkdtemp(join(tmpdir(), 'trinco-apache-'));
    try {
      const keys = await writeKeys(stage, folder);
      const { found, hosts } = await registerSites(stage, folder, keys);
      await writeSites(folder, found, hosts);
      const running = await Running.start({
        command: program,
        arguments: ['-D', 'FOREGROUND', '-d', folder, '-f', 'apache.conf'],
        cwd: folder,
        env: { PATH: process.env.PATH },
        user: await lend(folder),
        log: join(stage.logs, 'apache.log'),
        ready: { url: `${found.basic.baseUrl}/`, status: 200 },
      });
      return new Apache(running, folder, found);
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  async stop(): Promise<void> {
    await this.running.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** The public halves: what the site `key` authenticates with, and what the server signs with. */
type Keys = { client: JsonWebKey; server: JsonWebKey & { kid: string } };

async function writeKeys({ server }: Stage, folder: string): Promise<Keys> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const { keys } = (await (await fetch(`${server.issuer}/jwks`)).json()) as {
    keys: [Keys['server']];
  };
  const current = createPublicKey({ key: keys[0], format: 'jwk' });
  const spki = { type: 'spki', format: 'pem' } as const;
  await writeFile(join(folder, 'client.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
  await writeFile(join(folder, 'client-public.pem'), publicKey.export(spki));
  await writeFile(join(folder, 'server.pem'), current.export(spki));
  const client = { ...publicKey.export({ format: 'jwk' }), kid: 'mine', alg: 'RS256' };
  return { client, server: keys[0] };
}

async function registerSites(stage: Stage, folder: string, keys: Keys) {
  const found = {} as Record<SiteName, Site>;
  const hosts: string[] = [];
  for (const [name, settings] of Object.entries(sites)) {
    const port = await freePort();
    const baseUrl = `http://localhost:${port}`;
    const callback = `${baseUrl}/protected/callback`;
    const client = await stage.register('Traditional', {
      oidcClientMetadata: {
        redirectUris: [callback, redirectUri],
        postLogoutRedirectUris: [`${baseUrl}/`],
        backchannelLogoutUri: `${callback}?logout=backchannel`,
        backchannelLogoutSessionRequired: true,
        ...(name === 'key' ? { jwks: { keys: [keys.client] } } : {}),
      },
    });
    found[name as SiteName] = { baseUrl, clientId: client.id };
    const own = settings(stage.server.issuer, client, folder, keys.server.kid);
    const secret = name === 'key' ? '' : `OIDCClientSecret ${client.secret}`;
    hosts.push(host(stage, port, client.id, secret + own));
  }
  return { found, hosts };
}

async function writeSites(
  folder: string,
  found: Record<SiteName, Site>,
  hosts: string[],
): Promise<void> {
  const page =
    '<!doctype html><h1>Signed in as <!--#echo var="OIDC_CLAIM_username" --></h1><p><!--#echo var="REMOTE_USER" --></p>';
  await mkdir(join(folder, 'pages'));
  await writeFile(join(folder, 'pages/index.html'), page);
  const listen = Object.values(found).map(
    ({ baseUrl }) => `Listen 127.0.0.1:${new URL(baseUrl).port}`,
  );
  await writeFile(join(folder, 'apache.conf'), [global, ...listen, ...hosts].join('\n'));
}

/** Apache does not serve as root: root lends it the name that Debian has for it, and gives it the folder. */
async function lend(folder: string): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) {
    return undefined;
  }
  const user = { uid: idOf('-u'), gid: idOf('-g') };
  for (const path of ['', ...(await readdir(folder, { recursive: true }))]) {
    await chown(join(folder, path), user.uid, user.gid);
  }
  return user;
}

function idOf(kind: '-u' | '-g'): number {
  return Number(execFileSync('id', [kind, 'www-data'], { encoding: 'utf8' }));
}

const names = [
  'mpm_event',
  'authn_core',
  'authz_core',
  'authz_user',
  'dir',
  'mime',
  'include',
  'env',
  'alias',
  'auth_openidc',
];

const global = `
${names.map((name) => `LoadModule ${name}_module ${join(modules, `mod_${name}.so`)}`).join('\n')}
ServerName localhost
PidFile apache.pid
DefaultRuntimeDir .
Mutex file:.
# Another user may not open our standard error, but a program that has inherited it may write there.
ErrorLog "|$/bin/cat >&2"
LogLevel warn auth_openidc:info
TypesConfig /dev/null
AddType text/html .html
AddOutputFilter INCLUDES .html
DirectoryIndex index.html
StartServers 1
# Sessions and logout tokens are kept here.
OIDCCacheType shm
`;

/** Everything is open but /protected, for browsers, and /api, for programs with an access token. */
function host(stage: Stage, port: number, clientId: string, settings: string): string {
  return `
<VirtualHost 127.0.0.1:${port}>
    ServerName http://localhost:${port}
    DocumentRoot pages
    Alias /protected pages
    Alias /api pages
    OIDCProviderMetadataURL ${stage.server.issuer}/.well-known/openid-configuration
    OIDCClientID ${clientId}
    OIDCRedirectURI http://localhost:${port}/protected/callback
    # Cookies ignore ports, and the sites share a host.
    OIDCCookie session_at_${port}
    OIDCCryptoPassphrase ${randomBytes(24).toString('hex')}
    OIDCScope "openid offline_access profile read:orders"
    OIDCAuthRequestParams prompt=consent&resource=${encodeURIComponent(resource)}
    OIDCPassClaimsAs environment
    OIDCInfoHook access_token access_token_expires id_token userinfo refresh_token session
    ${settings}
    <Location /protected>
        Options +Includes
        AuthType openid-connect
        Require valid-user
    </Location>
    <Location /api>
        Options +Includes
        AuthType oauth20
        Require claim "sub:${stage.person.id}"
    </Location>
</VirtualHost>`;
}
