import { getLogtoContext } from '@logto/next/server-actions';
import type { Metadata } from 'next';
import { logtoConfig } from '@/app/logto';
import Problem from '@/app/problem';
import { attempt } from '@/lib/failure';

export const metadata: Metadata = { title: 'Profile' };

export default async function UserInfo() {
  const { value: context, reason } = await attempt(
    getLogtoContext(logtoConfig, { fetchUserInfo: true }),
  );
  if (!context?.isAuthenticated) {
    return <Problem reason={reason ?? 'signed-out'} />;
  }
  return (
    <section className="card">
      <h1>Profile</h1>
      <p>Fresh from the server on every visit, with more in it than the ID token.</p>
      <pre tabIndex={0} data-testid="userinfo">
        {JSON.stringify(context.userInfo, null, 2)}
      </pre>
    </section>
  );
}
