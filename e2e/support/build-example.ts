import { execFileSync } from 'node:child_process';
import { exampleFolder, nextProgram } from './example.ts';

/** One production build serves both copies of the example: their settings come when they start. */
export default function buildExample(): void {
  execFileSync(process.execPath, [nextProgram, 'build'], {
    cwd: exampleFolder,
    env: { ...process.env, NEXT_TELEMETRY_DISABLED: '1' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}
