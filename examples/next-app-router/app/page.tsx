import { getLogtoContext } from '@logto/next/server-actions';
import { endSession, startRegistration, startSignIn } from '@/app/actions';
import Claims from '@/app/claims';
import { logtoConfig } from '@/app/logto';
import Register from '@/app/register';
import SignIn from '@/app/sign-in';
import SignOut from '@/app/sign-out';

export default async function Home() {
  const { isAuthenticated, claims } = await getLogtoContext(logtoConfig);

  if (!isAuthenticated || !claims) {
    return (
      <section className="card">
        <h1>Welcome to the shop</h1>
        <p>Sign in to see your orders.</p>
        <div className="row">
          <SignIn onSignIn={startSignIn} />
          <Register onRegister={startRegistration} />
        </div>
      </section>
    );
  }

  return (
    <section className="card">
      <div className="row spread">
        <h1>Hello, {claims.name ?? claims.username ?? claims.email ?? claims.sub}</h1>
        <SignOut onSignOut={endSession} />
      </div>
      <Claims claims={claims} caption="What the ID token says about you" testId="claims" />
    </section>
  );
}
