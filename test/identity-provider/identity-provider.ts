/** A real OpenID Connect provider on this machine, and a person with a browser, as far as its pages need one. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Provider } from 'oidc-provider';

/** Somebody whom the provider knows. */
export interface Person {
  readonly name: string;
  readonly groups: readonly string[];
}

/** The provider, listening. */
export interface TestProvider extends AsyncDisposable {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Its people by what they type to log in; may change. */
  readonly people: Map<string, Person>;
}

/** Starts one, with a confidential client that may use device codes. */
export async function startTestProvider(): Promise<TestProvider> {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const issuer = `http://127.0.0.1:${port}`;
  const people = new Map<string, Person>();
  const [clientId, clientSecret] = ['drover', 'secret-of-the-client'];
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        grant_types: ['urn:ietf:params:oauth:grant-type:device_code'],
        response_types: [],
        redirect_uris: [],
      },
    ],
    features: { deviceFlow: { enabled: true } },
    scopes: ['openid', 'profile', 'groups'],
    claims: { profile: ['preferred_username'], groups: ['groups'] },
    cookies: { keys: ['test'] },
    findAccount: (_: unknown, id: string) => {
      const person = people.get(id);
      if (!person) return undefined;
      const claims = { sub: id, preferred_username: person.name, groups: person.groups };
      return { accountId: id, claims: async () => claims };
    },
  });
  provider.use(async (context, next) => {
    await next();
    // Else a client asks again after five seconds.
    if (context.path === '/device/auth' && typeof context.body === 'object') {
      context.body = { ...context.body, interval: 1 };
    }
  });
  server.on('request', provider.callback());
  return {
    issuer,
    clientId,
    clientSecret,
    people,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Pages that a person goes through at most: the code, its confirmation, login, consent. */
const pagesMax = 12;

/**
 * Opens an address and goes through the pages that come, as a person does who is to log in: types `login` where that is asked, and
 * agrees to all else, or to nothing.
 *
 * @returns the text of the last page.
 */
export async function confirmInBrowser(address: string, login: string, agree = true): Promise<string> {
  const browser = new Browser();
  let page = await browser.open(address);
  for (let shown = 0; shown < pagesMax; shown++) {
    const form = readForm(page.text);
    if (!form) return page.text;
    const isRefused = form.fields.has('confirm') && !agree;
    if (isRefused) form.fields.set('abort', 'yes');
    if (page.text.includes('name="login"')) form.fields.set('login', login).set('password', 'x');
    page = await browser.open(new URL(form.action, page.address).href, form.fields);
    if (isRefused) return page.text;
  }
  throw new Error('the provider shows pages without end');
}

interface Form {
  readonly action: string;
  readonly fields: Map<string, string>;
}

function readForm(html: string): Form | undefined {
  const [, attributes = '', body = ''] = /<form([^>]*)>([\s\S]*?)<\/form>/.exec(html) ?? [];
  const action = /action="([^"]*)"/.exec(attributes)?.[1];
  if (action === undefined) return undefined;
  const fields = new Map<string, string>();
  for (const [input] of body.matchAll(/<input[^>]*type="hidden"[^>]*>/g)) {
    const name = /name="([^"]*)"/.exec(input)?.[1];
    if (name !== undefined) fields.set(name, /value="([^"]*)"/.exec(input)?.[1] ?? '');
  }
  return { action, fields };
}

/** Keeps cookies, and follows redirections. */
class Browser {
  readonly #cookies = new Map<string, string>();

  async open(
    address: string,
    fields?: ReadonlyMap<string, string>,
  ): Promise<{ readonly address: string; readonly text: string }> {
    const body = fields && new URLSearchParams([...fields]);
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(address, {
      ...(body ? { method: 'POST', body } : {}),
      headers: cookie === '' ? {} : { cookie },
      redirect: 'manual',
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '') this.#cookies.delete(name);
      else this.#cookies.set(name, value);
    }
    const location = response.headers.get('location');
    if (location !== null) return this.open(new URL(location, address).href);
    return { address, text: await response.text() };
  }
}
