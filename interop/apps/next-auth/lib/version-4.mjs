/** next-auth 4 with an OpenID Connect provider as its documentation has it. */
export const options = {
  providers: [
    {
      id: 'trinco',
      name: 'Trinco',
      type: 'oauth',
      wellKnown: `${process.env.ISSUER}/.well-known/openid-configuration`,
      authorization: { params: { scope: 'openid offline_access profile', prompt: 'consent' } },
      clientId: process.env.CLIENT_ID,
      clientSecret: process.env.CLIENT_SECRET,
      // It expects RS256 unless told otherwise.
      client: { id_token_signed_response_alg: 'ES384' },
      idToken: true,
      checks: ['pkce', 'state', 'nonce'],
      profile: ({ sub, name, username }) => ({ id: sub, name: name ?? username }),
    },
  ],
  callbacks: {
    jwt: ({ token, account }) =>
      account ? { ...token, accessToken: account.access_token } : token,
    session: ({ session, token }) => ({
      ...session,
      sub: token.sub,
      accessToken: token.accessToken,
    }),
  },
};
