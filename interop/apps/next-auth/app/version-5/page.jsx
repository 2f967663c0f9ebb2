import { auth } from '../../lib/version-5.mjs';

export default async function Page() {
  return <pre>{JSON.stringify(await auth())}</pre>;
}
