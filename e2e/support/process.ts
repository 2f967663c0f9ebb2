import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

type Program = {
  command: string;
  arguments: string[];
  cwd: string;
  env: NodeJS.ProcessEnv;
  /** Whom it runs as, if not as the tests themselves. */
  user?: { uid: number; gid: number };
  /** The file its output goes to. */
  log: string;
  /** Answers with this status once the program is ready. */
  ready: { url: string; status: number };
};

/** A program started for the tests. */
export class Running {
  private constructor(
    private readonly child: ChildProcess,
    private readonly program: Program,
  ) {}

  static async start(program: Program): Promise<Running> {
    const child = spawn(program.command, program.arguments, {
      cwd: program.cwd,
      env: program.env,
      ...program.user,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const log = createWriteStream(program.log, { flags: 'a' });
    child.stdout?.pipe(log, { end: false });
    child.stderr?.pipe(log, { end: false });
    // Playwright ends a worker that hangs without running its teardown.
    process.once('exit', () => child.kill('SIGKILL'));
    const running = new Running(child, program);
    await running.untilReady();
    return running;
  }

  async stop(): Promise<void> {
    if (this.ended) {
      return;
    }
    const closed = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGTERM');
    const patience = setTimeout(() => this.child.kill('SIGKILL'), 10_000);
    await closed;
    clearTimeout(patience);
  }

  private get ended(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  private async untilReady(): Promise<void> {
    const { url, status } = this.program.ready;
    const deadline = Date.now() + 60_000;
    for (;;) {
      const answer = await fetch(url, { redirect: 'manual' }).catch(() => undefined);
      if (answer?.status === status) {
        return;
      }
      if (this.ended || Date.now() > deadline) {
        const what = this.ended ? 'ended' : `gave no ${status} at ${url}`;
        throw new Error(`${this.program.command} ${what}; see ${this.program.log}`);
      }
      await sleep(50);
    }
  }
}

/** A port nobody listens on at the moment. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const listener = createServer();
    listener.once('error', reject);
    listener.listen(0, '127.0.0.1', () => {
      const address = listener.address();
      listener.close(() =>
        typeof address === 'object' && address ? resolve(address.port) : reject(address),
      );
    });
  });
}

/** A setting the tests cannot run without. */
export function required(name: string): string {
  const value = process.env[name];
  if (!value) {
    throw new Error(`${name} is not set; run these tests with \`cargo xtask test\`.`);
  }
  return value;
}
