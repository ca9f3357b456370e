type Cookie = { readonly name: string; readonly value: string; readonly path: string };

/** A page that a browser has loaded, after the redirects on its own site. */
export type Page = {
  readonly url: string;
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Where the last response redirects to, if that is another site. */
  readonly location: string | undefined;
  /** The value of each named input with a value, such as a token in a form. */
  readonly fields: Readonly<Record<string, string>>;
};

/** A browser without scripts: it keeps cookies, sends forms with `Origin`, and follows redirects on the site of `origin`. */
export type Browser = {
  readonly open: (url: string, init?: RequestInit) => Promise<Page>;
  /** Sends a form to `path`. `fields` may have a name several times. */
  readonly submit: (
    path: string,
    fields: Readonly<Record<string, string>> | URLSearchParams,
    init?: RequestInit,
  ) => Promise<Page>;
  /** Sends JSON as a script of a page does, and follows nothing. */
  readonly post: (path: string, body: object) => Promise<Response>;
  readonly cookies: Map<string, Cookie>;
};

/** Opens a browser for the site `origin`. It follows at most ten redirects. */
export function openBrowser(origin: string): Browser {
  const cookies = new Map<string, Cookie>();

  return {
    cookies,
    open: (url, init = {}) => load(url, init),
    submit: (path, fields, init = {}) =>
      load(new URL(path, origin).href, {
        ...init,
        method: 'POST',
        headers: { origin, ...Object(init.headers) },
        body: new URLSearchParams(fields),
      }),
    async post(path, body) {
      const url = new URL(path, origin);
      const response = await fetch(url, {
        method: 'POST',
        headers: { origin, 'content-type': 'application/json', cookie: cookieHeader(url) },
        body: JSON.stringify(body),
      });
      store(response);
      return response;
    },
  };

  async function load(start: string, init: RequestInit): Promise<Page> {
    let url = new URL(start, origin);
    let request: RequestInit = init;
    for (let hop = 0; hop < 10; hop++) {
      const headers = { accept: 'text/html', cookie: cookieHeader(url), ...Object(request.headers) };
      const response = await fetch(url, { ...request, headers, redirect: 'manual' });
      store(response);
      const text = await response.text();
      const location = response.headers.get('location');
      const target = location === null ? undefined : new URL(location, url);
      if (target === undefined || target.origin !== origin)
        return {
          url: url.href,
          status: response.status,
          headers: response.headers,
          text,
          location: target?.href,
          fields: readFields(text),
        };
      url = target;
      request = {};
    }
    throw new Error(`more than ten redirects from ${start}`);
  }

  function store(response: Response): void {
    for (const line of response.headers.getSetCookie()) {
      const [pair = '', ...attributes] = line.split(/; */);
      const [name = '', value = ''] = pair.split(/=(.*)/s);
      const find = (attribute: string) =>
        attributes.find((text) => text.toLowerCase().startsWith(`${attribute}=`))?.slice(attribute.length + 1);
      const expires = find('expires');
      const path = find('path') ?? '/';
      const key = `${name} ${path}`;
      if (value === '' || (expires !== undefined && new Date(expires) < new Date())) cookies.delete(key);
      else cookies.set(key, { name, value, path });
    }
  }

  function cookieHeader({ pathname }: URL): string {
    return [...cookies.values()]
      .filter(({ path }) => pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`))
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ');
  }
}

function readFields(html: string): Record<string, string> {
  const inputs = [...html.matchAll(/<input [^>]*>/g)].map(([tag]) => tag);
  const attribute = (tag: string, name: string) => new RegExp(` ${name}="([^"]*)"`).exec(tag)?.[1];
  return Object.fromEntries(
    inputs.flatMap((tag) => {
      const [name, value] = [attribute(tag, 'name'), attribute(tag, 'value')];
      return name === undefined || value === undefined ? [] : [[name, value]];
    }),
  );
}
