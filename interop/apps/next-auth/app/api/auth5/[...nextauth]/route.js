import { handlers } from '../../../../lib/version-5.mjs';

export const { GET, POST } = handlers;
