import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';

/** Where a server keeps what it knows: in its data folder, or in a new database of the server that POSTGRES_URL names. */
export class Database {
  private constructor(
    /** Environment variables of the server. */
    readonly settings: NodeJS.ProcessEnv,
    readonly drop: () => Promise<void>,
  ) {}

  static async create(): Promise<Database> {
    const { POSTGRES_URL: postgres } = process.env;
    if (postgres === undefined) {
      return new Database({}, async () => {});
    }
    const name = `e2e_${randomBytes(6).toString('hex')}`;
    const run = async (statement: string): Promise<void> => {
      await promisify(execFile)('psql', ['--quiet', '--command', statement, postgres]);
    };
    await run(`CREATE DATABASE ${name}`);
    const url = new URL(postgres);
    url.pathname = `/${name}`;
    return new Database({ DB_URL: url.href }, () => run(`DROP DATABASE ${name} WITH (FORCE)`));
  }
}
