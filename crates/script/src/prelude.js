// What a script finds besides the language itself. Nothing here decides what is allowed: the host functions do.
(function (send, deny, log) {
  'use strict';
  const { JSON, Map, Object, Promise, String, TypeError } = globalThis;
  const { parse, stringify } = JSON;
  const { entries, freeze } = Object;
  const waiting = new Map();
  const take = Map.prototype.get.bind(waiting);
  const put = Map.prototype.set.bind(waiting);
  const define = (name, value) =>
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });

  const headersOf = (given) => {
    const headers = {};
    const pairs = given === undefined || given === null ? [] : Array.isArray(given) ? given : entries(given);
    for (const [name, value] of pairs) headers[String(name).toLowerCase()] = String(value);
    return headers;
  };

  const responseOf = (url, { status, headers, body }) =>
    freeze({
      status,
      ok: status >= 200 && status < 300,
      url,
      headers: freeze({
        get: (name) => headers[String(name).toLowerCase()] ?? null,
        has: (name) => String(name).toLowerCase() in headers,
      }),
      text: async () => body,
      json: async () => parse(body),
    });

  define('fetch', function fetch(target, { method = 'GET', headers, body } = {}) {
    return new Promise((resolve, reject) => {
      const url = String(target);
      if (body !== undefined && body !== null && typeof body !== 'string') {
        throw new TypeError('the body of a request must be text');
      }
      const sent = headersOf(headers);
      if (typeof body === 'string' && !('content-type' in sent)) {
        sent['content-type'] = 'text/plain;charset=UTF-8';
      }
      const id = send(url, String(method), stringify(sent), body ?? '');
      put(id, { url, resolve, reject });
    });
  });

  const shown = (value) => {
    if (typeof value === 'string') return value;
    try {
      return stringify(value) ?? String(value);
    } catch {
      return String(value);
    }
  };
  const line = (...values) => log(values.map(shown).join(' '));
  define('console', freeze({ log: line, info: line, warn: line, error: line, debug: line }));

  delete globalThis.Atomics;
  delete globalThis.SharedArrayBuffer;

  return freeze({
    call: async (run, payload) => run(payload),
    api: freeze({
      denyAccess(message) {
        deny(message === undefined ? 'Access denied' : String(message));
        throw new TypeError('access was denied');
      },
    }),
    settle(id, failure, answer) {
      const { url, resolve, reject } = take(id);
      if (failure === null) resolve(responseOf(url, answer));
      else reject(new TypeError(failure));
    },
  });
})
