'use server';

import { signIn, signOut } from '@logto/next/server-actions';
import { redirect, unstable_rethrow } from 'next/navigation';
import { logtoConfig, redirectUri } from '@/app/logto';
import { failurePath } from '@/lib/failure';

export async function startSignIn() {
  await leaveFor(signIn(logtoConfig, { redirectUri }));
}

export async function startRegistration() {
  await leaveFor(signIn(logtoConfig, { redirectUri, firstScreen: 'register' }));
}

export async function endSession() {
  await leaveFor(signOut(logtoConfig, logtoConfig.baseUrl));
}

/** All three end in a redirect to the server, unless it cannot be reached. */
async function leaveFor(departure: Promise<void>) {
  try {
    await departure;
  } catch (error) {
    // A redirect travels as a thrown value in Next.js: it is not a failure.
    unstable_rethrow(error);
    redirect(failurePath(error));
  }
}
