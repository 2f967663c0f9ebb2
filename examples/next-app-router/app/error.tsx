'use client';

import { failures } from '@/lib/failure-texts';

/** The last resort, for instance when the session store does not answer. */
export default function ErrorPage({ reset }: { reset: () => void }) {
  const { title, advice } = failures.unknown;
  return (
    <section className="card" role="alert" data-testid="error" data-reason="unknown">
      <h1>{title}</h1>
      <p>{advice}</p>
      <button type="button" className="primary" onClick={reset}>
        Try again
      </button>
    </section>
  );
}
