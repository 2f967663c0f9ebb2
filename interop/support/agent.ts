import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Person } from '../../e2e/support/server.ts';
import { Cookies } from './cookies.ts';
import { type Form, formsOf } from './form.ts';

/** Where a walk through pages has ended. */
export type Page = { url: URL; status: number; headers: Headers; text: string };

type Walk = {
  /** Who signs in where a page asks for it. */
  person?: Pick<Person, 'username' | 'password'>;
  /** What is answered where a page asks whether an application may. */
  decision?: 'allow' | 'deny';
};

/** More redirects and forms than this are a loop. */
const maxSteps = 30;

/** A browser without JavaScript for those tests that need no real one: it has cookies, follows redirects and submits forms. */
export class Agent {
  private readonly cookies = new Cookies();

  /** Goes to `url` and on, until a page has no form this agent knows what to do with. */
  async open(url: string | URL, walk: Walk = {}): Promise<Page> {
    const end = await this.walk(new Request(url), walk);
    if (end instanceof Request) {
      throw new Error(`nobody is there to take ${end.url}`);
    }
    return end;
  }

  /** Goes to `url` and on, until the next request would be one to `address`; returns that request, unsent. */
  async until(address: string, url: string | URL, walk: Walk = {}): Promise<Request> {
    const end = await this.walk(new Request(url), walk, address);
    if (end instanceof Request) {
      return end;
    }
    throw new Error(`ended at ${end.url} with ${end.status} on the way to ${address}: ${end.text}`);
  }

  private async walk(first: Request, walk: Walk, address?: string): Promise<Page | Request> {
    let request = first;
    for (let step = 0; step < maxSteps; step += 1) {
      if (address && isAt(request.url, address)) {
        return request;
      }
      const page = await this.send(request);
      const location = page.headers.get('location');
      if (page.status >= 300 && page.status < 400 && location) {
        request = new Request(new URL(location, page.url));
        continue;
      }
      const form = formsOf(page.text, page.url).find((candidate) => fillIn(candidate, page, walk));
      if (!form) {
        return page;
      }
      request = requestOf(form, page);
    }
    throw new Error(`${first.url} leads round in circles`);
  }

  private async send(request: Request): Promise<Page> {
    const url = new URL(request.url);
    const headers = { ...Object.fromEntries(request.headers), ...navigation };
    const cookie = this.cookies.header(url);
    const body = request.method === 'POST' ? await request.text() : undefined;
    const answer = await exchange(
      url,
      request.method,
      cookie ? { ...headers, cookie } : headers,
      body,
    );
    this.cookies.keep(url, answer.headers);
    return { url, ...answer };
  }
}

/** How browsers say that a person is going somewhere; some software sends nobody else to a sign-in page. */
const navigation = {
  accept: 'text/html,application/xhtml+xml',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
};

/** One request and its answer. Not by `fetch`, which calls itself something else than a navigation. */
async function exchange(
  url: URL,
  method: string,
  headers: Record<string, string>,
  body?: string,
): Promise<Omit<Page, 'url'>> {
  const outgoing = request(url, { method, headers, timeout: 15_000 });
  outgoing.on('timeout', () => outgoing.destroy(new Error(`${url} gave no answer`)));
  outgoing.end(body);
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
  const answer = new Headers();
  for (const [name, values] of Object.entries(incoming.headersDistinct)) {
    for (const value of values ?? []) {
      answer.append(name, value);
    }
  }
  return { status: incoming.statusCode ?? 0, headers: answer, text: await text(incoming) };
}

/** Whether this is a form to submit; if so it is filled in. */
function fillIn(form: Form, page: Page, { person, decision = 'allow' }: Walk): boolean {
  const isAgain = page.status >= 400;
  if (form.names.has('identifier') && person && !isAgain) {
    form.fields.set('identifier', person.username);
    form.fields.set('password', person.password);
    return true;
  }
  if (form.names.has('decision') && !isAgain) {
    form.fields.set('decision', decision);
    return true;
  }
  if (form.names.has('user_code') && !isAgain) {
    return Boolean(form.fields.get('user_code'));
  }
  // Of this server's pages, and of other people's.
  return /data-auto-submit|\bforms\[0\]\.submit\(\)/.test(page.text);
}

function requestOf(form: Form, page: Page): Request {
  if (form.method === 'GET') {
    form.action.search = form.fields.toString();
    return new Request(form.action);
  }
  const origin = page.url.origin;
  return new Request(form.action, { method: 'POST', body: form.fields, headers: { origin } });
}

function isAt(url: string, address: string): boolean {
  return url === address || url.startsWith(`${address}?`);
}
