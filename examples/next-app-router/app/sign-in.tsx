'use client';

import { useFormStatus } from 'react-dom';

type Props = {
  onSignIn: () => Promise<void>;
};

/** A form rather than a click handler, so that it works before, and without, JavaScript. */
export default function SignIn({ onSignIn }: Props) {
  return (
    <form action={onSignIn}>
      <SubmitButton />
    </form>
  );
}

function SubmitButton() {
  const { pending } = useFormStatus();
  return (
    <button type="submit" className="primary" disabled={pending} data-testid="sign-in">
      Sign in
    </button>
  );
}
