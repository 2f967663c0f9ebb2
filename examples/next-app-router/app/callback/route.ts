import { getLogtoContext, handleSignIn } from '@logto/next/server-actions';
import { redirect, unstable_rethrow } from 'next/navigation';
import type { NextRequest } from 'next/server';
import { logtoConfig } from '@/app/logto';
import { failurePath, reasonOf } from '@/lib/failure';

export async function GET(request: NextRequest) {
  try {
    await handleSignIn(logtoConfig, request.nextUrl.searchParams);
  } catch (error) {
    unstable_rethrow(error);
    // A reload of this address, or the back button, replays a callback that has done its work.
    const { isAuthenticated } = await getLogtoContext(logtoConfig);
    if (!(isAuthenticated && reasonOf(error) === 'no-sign-in')) {
      redirect(failurePath(error));
    }
  }
  redirect('/');
}
