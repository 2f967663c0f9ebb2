import { getAccessToken } from '@logto/next/server-actions';
import { apiResource } from '@/app/api-resource';
import { logtoConfig } from '@/app/logto';
import { attempt } from '@/lib/failure';
import { refusalFor } from '@/lib/refusal';

/** What the app's own browser code calls: the session cookie goes in, orders come out. */
export async function GET() {
  const { value: accessToken, reason } = await attempt(getAccessToken(logtoConfig, apiResource));
  if (!accessToken) {
    return refusalFor(reason);
  }
  const answer = await fetch(`${logtoConfig.baseUrl}/api/protected/orders`, {
    headers: { authorization: `Bearer ${accessToken}` },
    cache: 'no-store',
  });
  return Response.json(await answer.json(), { status: answer.status });
}
