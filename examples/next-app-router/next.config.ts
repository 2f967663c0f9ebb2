import type { NextConfig } from 'next';

const nextConfig: NextConfig = {
  // region rendering
  // Every page reads the session of its own request: none of it can be rendered ahead of time.
  cacheComponents: false,
  partialPrefetching: false,
  // endregion
  poweredByHeader: false,
  reactStrictMode: true,
};

export default nextConfig;
