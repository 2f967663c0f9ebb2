import { getLogtoContext, getOrganizationTokenRSC } from '@logto/next/server-actions';
import { decodeJwt } from 'jose';
import type { Metadata } from 'next';
import Claims from '@/app/claims';
import { logtoConfig } from '@/app/logto';
import Problem from '@/app/problem';
import { attempt } from '@/lib/failure';

export const metadata: Metadata = { title: 'Organizations' };

export default async function Organizations() {
  const { value: tokens, reason } = await attempt(organizationTokens());
  if (!tokens) {
    return <Problem reason={reason ?? 'signed-out'} />;
  }
  return (
    <section className="card">
      <h1>Organizations</h1>
      {tokens.length === 0 && <p>You belong to no organization yet.</p>}
      {tokens.map(({ id, name, token }) => (
        <article key={id}>
          <h2>{name}</h2>
          <code className="token" data-testid={`org-token-${id}`}>
            {token}
          </code>
          <Claims claims={decodeJwt(token)} caption={`Organization token for ${name}`} />
        </article>
      ))}
    </section>
  );
}

async function organizationTokens() {
  const { isAuthenticated, claims, userInfo } = await getLogtoContext(logtoConfig, {
    fetchUserInfo: true,
  });
  if (!isAuthenticated) {
    return undefined;
  }
  const names = new Map(userInfo?.organization_data?.map(({ id, name }) => [id, name]));
  const tokens = [];
  // One after the other: each may spend the refresh token, and at the same time they could
  // spend the same one twice.
  for (const id of claims?.organizations ?? []) {
    const token = await getOrganizationTokenRSC(logtoConfig, id);
    tokens.push({ id, name: names.get(id) ?? id, token });
  }
  return tokens;
}
