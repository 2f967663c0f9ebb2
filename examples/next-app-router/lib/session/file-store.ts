import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SessionStore, SetOptions } from './store';

/** Milliseconds between two searches for files whose time is over. */
const sweepInterval = 3600_000;

/**
 * One file per session, for a single machine. A file is written beside its place and moved into
 * it, so a reader sees the old value or the new one and never half of one.
 */
export class FileStore implements SessionStore {
  #nextSweep = 0;

  constructor(
    private readonly folder: string,
    private readonly now: () => number = Date.now,
  ) {}

  async get(key: string): Promise<string | undefined> {
    return (await this.#read(key))?.value;
  }

  async set(key: string, value: string, { ttl, onlyIfPresent }: SetOptions): Promise<boolean> {
    if (onlyIfPresent && (await this.get(key)) === undefined) {
      return false;
    }
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    await this.#sweep();
    const temporary = join(this.folder, `${randomUUID()}.tmp`);
    const record: Kept = { value, expiresAt: this.now() + ttl * 1000 };
    await writeFile(temporary, JSON.stringify(record), { mode: 0o600 });
    await rename(temporary, this.#path(key));
    return true;
  }

  async delete(key: string): Promise<void> {
    await rm(this.#path(key), { force: true });
  }

  #path(key: string): string {
    // Keys become file names, so nothing but our own digests may pass.
    if (!/^[0-9a-f]{64}$/.test(key)) {
      throw new RangeError('not a session key');
    }
    return join(this.folder, `${key}.json`);
  }

  async #read(key: string): Promise<Kept | undefined> {
    try {
      const record: Kept = JSON.parse(await readFile(this.#path(key), 'utf8'));
      return record.expiresAt > this.now() ? record : undefined;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
        return undefined;
      }
      throw error;
    }
  }

  async #sweep(): Promise<void> {
    if (this.now() < this.#nextSweep) {
      return;
    }
    this.#nextSweep = this.now() + sweepInterval;
    for (const name of await readdir(this.folder)) {
      const [key, extension] = name.split('.');
      if (key && extension === 'json' && !(await this.#read(key))) {
        await this.delete(key);
      }
    }
  }
}

type Kept = {
  value: string;
  /** Unix milliseconds. */
  expiresAt: number;
};
