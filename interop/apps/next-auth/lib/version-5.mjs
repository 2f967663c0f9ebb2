import NextAuth from 'next-auth-5';
import Logto from 'next-auth-5/providers/logto';

/** Refreshes as the documentation of Auth.js has it; the life of access tokens is left out, so each request refreshes. */
async function refreshed(token) {
  const response = await fetch(`${process.env.ISSUER}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      client_id: process.env.CLIENT_ID,
      client_secret: process.env.CLIENT_SECRET,
      grant_type: 'refresh_token',
      refresh_token: token.refreshToken,
    }),
  });
  const tokens = await response.json();
  if (!response.ok) {
    throw new Error(tokens.error_description);
  }
  const { access_token, refresh_token = token.refreshToken } = tokens;
  return { ...token, accessToken: access_token, refreshToken: refresh_token };
}

/** Auth.js with the provider it ships. */
export const { handlers, auth } = NextAuth({
  basePath: '/api/auth5',
  trustHost: true,
  providers: [
    Logto({
      issuer: process.env.ISSUER,
      clientId: process.env.CLIENT_ID,
      clientSecret: process.env.CLIENT_SECRET,
      authorization: { params: { scope: 'openid offline_access profile', prompt: 'consent' } },
      checks: ['pkce', 'state', 'nonce'],
    }),
  ],
  callbacks: {
    jwt: ({ token, account, profile }) =>
      account
        ? {
            sub: profile.sub,
            name: token.name,
            accessToken: account.access_token,
            refreshToken: account.refresh_token,
          }
        : refreshed(token),
    session: ({ session, token }) => ({
      ...session,
      sub: token.sub,
      accessToken: token.accessToken,
    }),
  },
});
