import { join } from 'node:path';

/** The packages are two folders up, with those of the other tests. */
export default { turbopack: { root: join(import.meta.dirname, '../..') } };
