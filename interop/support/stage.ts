import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Client, type Json, type Person, Server } from '../../e2e/support/server.ts';

export type { Client, Person, Server } from '../../e2e/support/server.ts';

/** Where clients without a listener receive their answers: the agent stops there. */
export const redirectUri = 'https://client.example/callback';
export const postLogoutRedirectUri = 'https://client.example/goodbye';
/** An API that `Stage.person` may read orders of. */
export const resource = 'https://orders.example/api';
export const managementApi = 'https://default.logto.app/api';

/** What every client meets: a server of its own, a person, an API, an organization. */
export class Stage {
  private constructor(
    readonly server: Server,
    readonly person: Person,
    /** An organization the person is a member of, with the permission `read:orders`. */
    readonly organization: string,
    /** Where programs started by a test write what they have to say. */
    readonly logs: string,
  ) {}

  /** `name` names the folder of its logs; `settings` are environment variables of the server. */
  static async open(name: string, settings: NodeJS.ProcessEnv = {}): Promise<Stage> {
    const logs = join(import.meta.dirname, '../test-results', name);
    await mkdir(logs, { recursive: true });
    const server = await Server.start(logs, settings);
    const { role } = await server.createResource(resource, 3600);
    const person = await server.createPerson([role]);
    const member = await server.createOrganizationRole();
    const organization = await server.createOrganization('Acme', member, person);
    return new Stage(server, person, organization, logs);
  }

  /** An application of the given type; `more` replaces whole members. */
  register(type: string, more: Json = {}): Promise<Client> {
    const interactive = type !== 'MachineToMachine';
    return this.server.register({
      name: `${type} client`,
      type,
      oidcClientMetadata: {
        redirectUris: interactive ? [redirectUri] : [],
        postLogoutRedirectUris: interactive ? [postLogoutRedirectUri] : [],
      },
      ...more,
    });
  }

  /** An application that authenticates with the private half of `jwk`. */
  registerWithKey(type: string, jwk: JsonWebKey, more: Json = {}): Promise<Client> {
    const interactive = type !== 'MachineToMachine';
    return this.register(type, {
      oidcClientMetadata: {
        redirectUris: interactive ? [redirectUri] : [],
        postLogoutRedirectUris: interactive ? [postLogoutRedirectUri] : [],
        jwks: { keys: [jwk] },
      },
      ...more,
    });
  }

  close(): Promise<void> {
    return this.server.stop();
  }
}
