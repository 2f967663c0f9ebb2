import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify } from 'jose';
import { logtoConfig } from '@/app/logto';

const issuer = `${logtoConfig.endpoint}/oidc`;
// Fetched on first use, kept, and fetched again when a token names a key that is not there.
const keys = createRemoteJWKSet(new URL(`${issuer}/jwks`));

type Needed = {
  /** Who the token must be for. */
  audience: string;
  /** The permission it must carry. */
  scope?: string;
};

/** The claims of the request's access token, or the response that refuses it (RFC 6750 §3). */
export async function authorize(
  request: Request,
  { audience, scope }: Needed,
): Promise<{ claims: JWTPayload; refusal?: undefined } | { claims?: undefined; refusal: Response }> {
  const [, token] = /^Bearer ([\w.~+/-]+=*)$/i.exec(request.headers.get('authorization') ?? '') ?? [];
  if (!token) {
    // RFC 6750 §3.1: a request that says nothing about authentication gets no error code.
    return { refusal: refuse(401, 'Bearer') };
  }

  let claims: JWTPayload;
  try {
    const verified = await jwtVerify(token, keys, {
      issuer,
      audience,
      // RFC 9068 §4: tells an access token from an ID token.
      typ: 'at+jwt',
      algorithms: ['ES384', 'RS256'],
      requiredClaims: ['exp', 'sub'],
    });
    claims = verified.payload;
  } catch (error) {
    if (!isTheTokensFault(error)) {
      console.error('the keys of the identity server cannot be read:', error);
      return { refusal: Response.json({ error: 'temporarily_unavailable' }, { status: 503 }) };
    }
    return { refusal: refuse(401, 'Bearer error="invalid_token"') };
  }

  const granted = typeof claims.scope === 'string' ? claims.scope.split(' ') : [];
  if (scope && !granted.includes(scope)) {
    return { refusal: refuse(403, `Bearer error="insufficient_scope", scope="${scope}"`) };
  }
  return { claims };
}

function refuse(status: 401 | 403, challenge: string): Response {
  const error = /error="(\w+)"/.exec(challenge)?.[1] ?? 'unauthorized';
  return Response.json({ error }, { status, headers: { 'WWW-Authenticate': challenge } });
}

/** An unreachable or broken key endpoint is not a reason to call a token invalid. */
function isTheTokensFault(error: unknown): boolean {
  return (
    error instanceof errors.JOSEError &&
    !(error instanceof errors.JWKSTimeout) &&
    !(error instanceof errors.JWKSInvalid) &&
    error.code !== errors.JOSEError.code
  );
}
