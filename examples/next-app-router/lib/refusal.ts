import type { Reason } from '@/lib/failure-texts';

const statuses: Partial<Record<Reason, number>> = {
  'signed-out': 401,
  expired: 401,
  forbidden: 403,
  unreachable: 503,
};

/** The answer of a route handler that got no token. */
export function refusalFor(reason: Reason = 'unknown'): Response {
  return Response.json({ error: reason }, { status: statuses[reason] ?? 500 });
}
