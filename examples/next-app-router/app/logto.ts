import { type LogtoNextConfig, UserScope } from '@logto/next';
// region api
import { apiResource } from '@/app/api-resource';
// endregion
import { address, required } from '@/lib/env';
// region sessions
import { chosenSessionWrapper } from '@/lib/session';
// endregion

const baseUrl = address('BASE_URL', 'http://localhost:3000');

export const logtoConfig: LogtoNextConfig = {
  endpoint: address('LOGTO_ENDPOINT', 'http://localhost:3001'),
  appId: required('LOGTO_APP_ID'),
  appSecret: required('LOGTO_APP_SECRET'),
  baseUrl,
  cookieSecret: required('LOGTO_COOKIE_SECRET'),
  // Follows the address, not NODE_ENV: a production build served over plain http on localhost
  // would otherwise set cookies that some browsers refuse.
  cookieSecure: baseUrl.startsWith('https://'),
  scopes: [
    UserScope.Email,
    UserScope.Phone,
    UserScope.CustomData,
    UserScope.Identities,
    UserScope.Roles,
    UserScope.Organizations,
    UserScope.OrganizationRoles,
    // region api
    // Permissions of the API resources are asked for here too.
    'read:orders',
    // endregion
  ],
  // region api
  resources: [apiResource],
  // endregion
  // region sessions
  // Undefined keeps the session in an encrypted cookie.
  sessionWrapper: chosenSessionWrapper(),
  // endregion
};

/** Registered on the server as a redirect URI, letter by letter. */
export const redirectUri = `${baseUrl}/callback`;
