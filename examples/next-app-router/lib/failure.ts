import { LogtoClientError, LogtoError, LogtoRequestError, OidcError } from '@logto/next';
import { unstable_rethrow } from 'next/navigation';
import type { Reason } from '@/lib/failure-texts';

/** The codes of the SDK, and those of the server (`oidc.…`). */
const reasons: Record<string, Reason> = {
  'sign_in_session.not_found': 'no-sign-in',
  'sign_in_session.invalid': 'no-sign-in',
  'callback_uri_verification.redirect_uri_mismatched': 'settings',
  'callback_uri_verification.missing_state': 'mismatch',
  'callback_uri_verification.missing_code': 'mismatch',
  'callback_uri_verification.state_mismatched': 'mismatch',
  'id_token.invalid_iat': 'clock',
  not_authenticated: 'signed-out',
  missing_scope_organizations: 'settings',
  rate_limited: 'unreachable',
  'oidc.invalid_grant': 'expired',
  'oidc.access_denied': 'forbidden',
  'oidc.insufficient_scope': 'forbidden',
  'oidc.invalid_client': 'settings',
  'oidc.invalid_target': 'settings',
  'oidc.invalid_scope': 'settings',
  'oidc.unauthorized_client': 'settings',
};

/** Translates what the SDK throws. Nothing from the address bar reaches the page. */
export function reasonOf(error: unknown): Reason {
  if (error instanceof LogtoError && error.data instanceof OidcError) {
    // RFC 6749 §4.1.2.1: the server sent the browser back with an error instead of a code.
    return error.data.error === 'access_denied'
      ? 'cancelled'
      : (reasons[`oidc.${error.data.error}`] ?? 'unknown');
  }
  if (
    error instanceof LogtoError ||
    error instanceof LogtoClientError ||
    error instanceof LogtoRequestError
  ) {
    return reasons[error.code] ?? (error.code.startsWith('http_error_5') ? 'unreachable' : 'unknown');
  }
  // `fetch` reports an unreachable server as a TypeError with a cause.
  return error instanceof TypeError && error.cause ? 'unreachable' : 'unknown';
}

/** Where to send the browser after a failure; the details stay in the server's log. */
export function failurePath(error: unknown): string {
  const reason = reasonOf(error);
  console.error(`sign-in failed (${reason}):`, error);
  return `/sign-in-failed?reason=${reason}`;
}

/** For pages: the value, or the reason there is none. */
export async function attempt<T>(
  work: Promise<T>,
): Promise<{ value: T; reason?: undefined } | { value?: undefined; reason: Reason }> {
  try {
    return { value: await work };
  } catch (error) {
    unstable_rethrow(error);
    const reason = reasonOf(error);
    if (reason !== 'signed-out') {
      console.error(`request failed (${reason}):`, error);
    }
    return { reason };
  }
}
