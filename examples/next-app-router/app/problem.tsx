import { startSignIn } from '@/app/actions';
import SignIn from '@/app/sign-in';
import { failures, type Reason } from '@/lib/failure-texts';

/** Says what happened and offers the next step. */
export default function Problem({ reason }: { reason: Reason }) {
  const { title, advice } = failures[reason];
  return (
    <section className="card" role="alert" data-testid="error" data-reason={reason}>
      <h1>{title}</h1>
      <p>{advice}</p>
      <SignIn onSignIn={startSignIn} />
    </section>
  );
}
