import type { Environment } from '../shared/configuration/environment.ts';

/** Why a request got no response. */
export type ConnectionFailure = {
  /** A few words after a colon, such as `nothing listens there`; undefined when the error does not say. */
  readonly reason: string | undefined;
  /** Whether the server may have received the request. */
  readonly maybeSent: boolean;
};

/** What the codes of Node and undici mean. With these codes no request was sent. */
const NOT_SENT: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'no host has this name',
  EAI_AGAIN: 'the name of the host cannot be resolved',
  EHOSTUNREACH: 'no network leads there',
  ENETUNREACH: 'no network leads there',
  UND_ERR_CONNECT_TIMEOUT: 'it does not answer',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not use TLS (https)',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its TLS certificate is for another host',
  CERT_HAS_EXPIRED: 'its TLS certificate has expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its TLS certificate is not trusted',
  SELF_SIGNED_CERT_IN_CHAIN: 'its TLS certificate is not trusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its TLS certificate is not trusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its TLS certificate is not trusted',
};

const MAYBE_SENT: Readonly<Record<string, string>> = {
  ECONNRESET: 'it closed the connection',
  UND_ERR_SOCKET: 'it closed the connection',
  ETIMEDOUT: 'it does not answer',
  TimeoutError: 'it does not answer',
};

/** Explains an error of `fetch`. Every word is written here, so that a model can read it. */
export function explainConnectionFailure(error: unknown): ConnectionFailure {
  const causes = listCauses(error);
  // the code of a DOMException is a number without a meaning here
  const codes = causes.flatMap((cause) => [cause.name, ...('code' in cause ? [String(cause.code)] : [])]);
  const find = (meanings: Readonly<Record<string, string>>) =>
    codes.filter((code) => Object.hasOwn(meanings, code)).map((code) => meanings[code])[0];
  const notSent = find(NOT_SENT);
  const reason = notSent ?? find(MAYBE_SENT);
  const proxy = causes.find((cause) => cause instanceof UnusedProxyError);
  return {
    reason: proxy === undefined ? reason : `${reason ?? 'there is no response'} (${proxy.message})`,
    maybeSent: notSent === undefined,
  };
}

/** An error, and the errors that caused it. Node tries several addresses of a host, and gives an error for each. */
function listCauses(error: unknown): Error[] {
  if (!(error instanceof Error)) return [];
  const others = error instanceof AggregateError ? error.errors : [];
  return [error, ...[error.cause, ...others].flatMap(listCauses)];
}

/** A request got no response, and this process does not use the proxy that its environment names. */
class UnusedProxyError extends Error {
  override readonly name = 'UnusedProxyError';

  constructor(variable: string, cause: unknown) {
    super(`${variable} is set, but this process uses it only with NODE_USE_ENV_PROXY=1`, { cause });
  }
}

/**
 * Returns `fetch`, whose errors also say when the environment names a proxy that Node does not use. Node uses
 * `HTTP_PROXY` and `HTTPS_PROXY` only when `NODE_USE_ENV_PROXY` is 1 at the start of the process.
 */
export function explainUnusedProxy(fetch: typeof globalThis.fetch, environment: Environment): typeof fetch {
  return async (input, init) => {
    try {
      return await fetch(input, init);
    } catch (error) {
      const { protocol } = new URL(input instanceof Request ? input.url : input);
      const names = protocol === 'https:' ? ['HTTPS_PROXY', 'https_proxy'] : ['HTTP_PROXY', 'http_proxy'];
      const variable = names.find((name) => environment[name]);
      if (variable === undefined || environment.NODE_USE_ENV_PROXY === '1') throw error;
      throw new UnusedProxyError(variable, error);
    }
  };
}
