import type { Metadata, Viewport } from 'next';
import Link from 'next/link';
import type { ReactNode } from 'react';
import './globals.css';

// Every page depends on who asks for it, so none is rendered at build time.
export const dynamic = 'force-dynamic';

export const metadata: Metadata = {
  title: { default: 'Shop', template: '%s · Shop' },
  description: 'A Next.js App Router application with sign-in',
};

export const viewport: Viewport = {
  colorScheme: 'light dark',
};

export default function RootLayout({ children }: { children: ReactNode }) {
  return (
    <html lang="en">
      <body>
        <a className="skip" href="#content">
          Skip to content
        </a>
        <header>
          <nav aria-label="Main">
            {/* These pages ask for tokens: rendering them ahead of a click would spend some. */}
            <Link href="/">Home</Link>
            <Link href="/userinfo" prefetch={false}>
              Profile
            </Link>
            <Link href="/token" prefetch={false}>
              API
            </Link>
            <Link href="/organizations" prefetch={false}>
              Organizations
            </Link>
          </nav>
        </header>
        <main id="content">{children}</main>
      </body>
    </html>
  );
}
