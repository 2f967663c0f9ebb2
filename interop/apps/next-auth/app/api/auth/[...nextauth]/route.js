import NextAuth from 'next-auth';
import { options } from '../../../../lib/version-4.mjs';

const handler = NextAuth(options);
export { handler as GET, handler as POST };
