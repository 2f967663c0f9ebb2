import { getLogtoContext, getOrganizationToken } from '@logto/next/server-actions';
import { logtoConfig } from '@/app/logto';
import { optional } from '@/lib/env';
import { attempt } from '@/lib/failure';
import { refusalFor } from '@/lib/refusal';

/** Calls the organization's API for the one set by ORGANIZATION_ID, or the user's first. */
export async function GET() {
  const { isAuthenticated, claims } = await getLogtoContext(logtoConfig);
  if (!isAuthenticated) {
    return refusalFor('signed-out');
  }
  const id = optional('ORGANIZATION_ID', claims?.organizations?.[0] ?? '');
  if (!id) {
    return refusalFor('forbidden');
  }

  const { value: token, reason } = await attempt(getOrganizationToken(logtoConfig, id));
  if (!token) {
    return refusalFor(reason);
  }
  const answer = await fetch(
    `${logtoConfig.baseUrl}/api/protected/organizations/${encodeURIComponent(id)}`,
    { headers: { authorization: `Bearer ${token}` }, cache: 'no-store' },
  );
  return Response.json(await answer.json(), { status: answer.status });
}
