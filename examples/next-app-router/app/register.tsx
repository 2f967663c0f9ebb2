'use client';

import { useFormStatus } from 'react-dom';

type Props = {
  onRegister: () => Promise<void>;
};

export default function Register({ onRegister }: Props) {
  return (
    <form action={onRegister}>
      <SubmitButton />
    </form>
  );
}

function SubmitButton() {
  const { pending } = useFormStatus();
  return (
    <button type="submit" disabled={pending} data-testid="register">
      Create account
    </button>
  );
}
