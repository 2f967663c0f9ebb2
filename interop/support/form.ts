/** A form of a page, as far as a person without JavaScript can use it. */
export type Form = {
  action: URL;
  method: string;
  fields: URLSearchParams;
  /** Also counts fields that are still empty, and buttons. */
  names: Set<string>;
};

/** The forms of a page at `url`. Enough HTML for pages that programs have written. */
export function formsOf(html: string, url: URL): Form[] {
  return [...html.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/gi)].map(([, head, body]) => {
    const attributes = attributesOf(head!);
    const fields = new URLSearchParams();
    const names = new Set<string>();
    for (const [, element, text] of body!.matchAll(/<(input|button)\b([^>]*)>/gi)) {
      const { name, value = '', type = 'text', ...rest } = attributesOf(text!);
      if (!name) {
        continue;
      }
      names.add(name);
      const isChoice = type === 'checkbox' || type === 'radio';
      if (element!.toLowerCase() === 'input' && (!isChoice || 'checked' in rest)) {
        fields.append(name, value);
      }
    }
    return {
      action: new URL(attributes.action ?? '', url),
      method: (attributes.method ?? 'get').toUpperCase(),
      fields,
      names,
    };
  });
}

function attributesOf(text: string): Record<string, string> {
  const found = text.matchAll(/([\w-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/g);
  const pairs = [...found].map(([, name, double, single, bare]) => [
    name!.toLowerCase(),
    unescaped(double ?? single ?? bare ?? ''),
  ]);
  return Object.fromEntries(pairs);
}

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function unescaped(text: string): string {
  return text.replace(/&(?:#x([\da-f]+)|#(\d+)|(\w+));/gi, (whole, hex, decimal, name) => {
    if (name) {
      return entities[name] ?? whole;
    }
    return String.fromCodePoint(hex ? Number.parseInt(hex, 16) : Number(decimal));
  });
}
