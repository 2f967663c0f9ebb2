/** A setting the app cannot run without. */
export function required(name: string): string {
  const value = process.env[name];
  // `next build` loads every module without needing any secret: only a running server insists.
  if (!value && process.env.NEXT_PHASE !== 'phase-production-build') {
    throw new Error(`${name} is not set. Add it to .env.local.`);
  }
  return value ?? '';
}

/** A setting with a default; an empty value counts as absent. */
export function optional(name: string, fallback: string): string {
  return process.env[name] || fallback;
}

/** An address without a slash at the end, so that paths can be appended to it. */
export function address(name: string, fallback: string): string {
  return optional(name, fallback).replace(/\/+$/, '');
}
