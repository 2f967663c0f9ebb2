import { getServerSession } from 'next-auth';
import { options } from '../../lib/version-4.mjs';

export default async function Page() {
  return <pre>{JSON.stringify(await getServerSession(options))}</pre>;
}
