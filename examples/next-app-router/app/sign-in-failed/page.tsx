import type { Metadata } from 'next';
import Problem from '@/app/problem';
import { failures, type Reason } from '@/lib/failure-texts';

export const metadata: Metadata = { title: 'Sign-in failed' };

export default async function SignInFailed({ searchParams }: PageProps<'/sign-in-failed'>) {
  const { reason } = await searchParams;
  const known = typeof reason === 'string' && Object.hasOwn(failures, reason);
  return <Problem reason={known ? (reason as Reason) : 'unknown'} />;
}
