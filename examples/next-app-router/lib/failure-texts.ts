/** What a person reads when something went wrong. One entry per thing they can do about it. */
export const failures = {
  cancelled: {
    title: 'Sign-in was cancelled',
    advice: 'You can sign in whenever you like.',
  },
  'no-sign-in': {
    title: 'No sign-in is in progress',
    advice: 'It took too long, was already finished, or began at another address. Sign in again.',
  },
  mismatch: {
    title: 'That answer belongs to another sign-in',
    advice: 'It may have begun in another tab. Sign in again.',
  },
  expired: {
    title: 'That sign-in is no longer valid',
    advice: 'It has expired or has been ended. Sign in again.',
  },
  'signed-out': {
    title: 'You are signed out',
    advice: 'Sign in to see this page.',
  },
  forbidden: {
    title: 'Access denied',
    advice: 'Your account has no access to this. Ask whoever manages it.',
  },
  settings: {
    title: 'This app is not set up correctly',
    advice: 'The server refused the app itself. Compare its settings with the server; the log says more.',
  },
  clock: {
    title: 'The clocks disagree',
    advice: 'Set the clock of the machine that runs this app, then sign in again.',
  },
  unreachable: {
    title: 'The sign-in server does not answer',
    advice: 'Try again in a moment.',
  },
  unknown: {
    title: 'Something went wrong',
    advice: 'Try again. If it happens again, the log says more.',
  },
} as const;

export type Reason = keyof typeof failures;
