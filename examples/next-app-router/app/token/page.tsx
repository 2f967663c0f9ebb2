import { getAccessTokenRSC } from '@logto/next/server-actions';
import { decodeJwt } from 'jose';
import type { Metadata } from 'next';
import Claims from '@/app/claims';
import { apiResource } from '@/app/api-resource';
import { logtoConfig } from '@/app/logto';
import Problem from '@/app/problem';
import { attempt } from '@/lib/failure';

export const metadata: Metadata = { title: 'API' };

export default async function Token() {
  const { value: accessToken, reason } = await attempt(
    getAccessTokenRSC(logtoConfig, apiResource),
  );
  if (!accessToken) {
    return <Problem reason={reason ?? 'unknown'} />;
  }

  const response = await fetch(`${logtoConfig.baseUrl}/api/protected/orders`, {
    headers: { authorization: `Bearer ${accessToken}` },
    cache: 'no-store',
  });

  return (
    <section className="card">
      <h1>API</h1>
      <h2>Its answer</h2>
      <pre tabIndex={0} data-testid="api-result" data-status={response.status}>
        {JSON.stringify(await response.json(), null, 2)}
      </pre>
      <h2>The access token</h2>
      <p>Shown here to learn from. A real page never sends a token to the browser.</p>
      <code className="token" data-testid="access-token">
        {accessToken}
      </code>
      <Claims claims={decodeJwt(accessToken)} caption={`Access token for ${apiResource}`} />
    </section>
  );
}
