import LogtoClient, { type LogtoConfig } from '@logto/browser';

/** A single-page app in its smallest form: the SDK, within reach of the test, and a callback page. */
declare global {
  interface Window {
    client: LogtoClient;
    config: LogtoConfig;
    arrived?: Promise<void>;
  }
}

window.client = new LogtoClient(window.config, true);
if (location.pathname === '/callback') {
  window.arrived = window.client.handleSignInCallback(location.href);
}
