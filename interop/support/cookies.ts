/** The cookies of one browser: by host and path, as RFC 6265 has it, without domains and expiry times to come. */
export class Cookies {
  private readonly kept: { host: string; path: string; name: string; value: string }[] = [];

  header(url: URL): string {
    return this.kept
      .filter(({ host, path }) => host === url.hostname && covers(path, url.pathname))
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ');
  }

  keep(url: URL, headers: Headers): void {
    for (const line of headers.getSetCookie()) {
      const [pair, ...attributes] = line.split(';').map((part) => part.trim());
      const [name, value] = split(pair!);
      const settings = new Map(
        attributes.map(split).map(([key, text]) => [key.toLowerCase(), text]),
      );
      const path = settings.get('path') || '/';
      const same = this.kept.findIndex(
        (cookie) => cookie.host === url.hostname && cookie.path === path && cookie.name === name,
      );
      if (same >= 0) {
        this.kept.splice(same, 1);
      }
      const expires = Date.parse(settings.get('expires') ?? '');
      if (!(Number(settings.get('max-age') ?? 1) <= 0 || expires <= Date.now())) {
        this.kept.push({ host: url.hostname, path, name, value });
      }
    }
  }
}

function covers(path: string, requested: string): boolean {
  return requested === path || requested.startsWith(path.endsWith('/') ? path : `${path}/`);
}

function split(text: string): [string, string] {
  const at = text.indexOf('=');
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}
