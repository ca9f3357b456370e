const PROTOCOL_VERSION = '2026-01-26';

/**
 * Connects a View with its host: JSON-RPC 2.0 over postMessage (MCP Apps 2026-01-26, Communication Protocol). Calls the
 * functions of `notified` by the notification that each is for, and returns what the host told of itself.
 */
export async function connectToHost(appInfo, notified) {
  const host = window.parent;
  const waiting = new Map();
  let requests = 0;
  window.addEventListener('message', ({ source, data }) => {
    // everybody who has this window may post to it; only the host is listened to
    if (source !== host || data?.jsonrpc !== '2.0') return;
    if (data.method === undefined) settle(data);
    else if (data.id === undefined) notified[data.method]?.(data.params ?? {});
    else answer(data);
  });

  const { hostCapabilities = {}, hostContext = {} } = await request('ui/initialize', {
    protocolVersion: PROTOCOL_VERSION,
    appInfo,
    appCapabilities: { availableDisplayModes: ['inline', 'fullscreen'] },
  });
  return {
    capabilities: hostCapabilities,
    context: hostContext,
    /** Tells that the View is ready: from now on the host sends it what it has to show. */
    start() {
      send({ method: 'ui/notifications/initialized' });
      new ResizeObserver(tellSize).observe(document.documentElement);
    },
    callTool: (name, args) => request('tools/call', { name, arguments: args }),
  };

  /** Waits as long as it takes: the host may ask the person whether the View may. */
  function request(method, params) {
    requests += 1;
    const id = requests;
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      send({ id, method, params });
    });
  }

  function settle({ id, result, error }) {
    const request = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) request?.resolve(result);
    else request?.reject(new Error(error.message));
  }

  function answer({ id, method }) {
    if (method === 'ping' || method === 'ui/resource-teardown') send({ id, result: {} });
    else send({ id, error: { code: -32601, message: `There is no ${method} here` } });
  }

  function tellSize() {
    const { width, height } = document.documentElement.getBoundingClientRect();
    const params = { width: Math.ceil(width), height: Math.ceil(height) };
    send({ method: 'ui/notifications/size-changed', params });
  }

  function send(message) {
    // a View is not told the origin of its host; what it sends are names of tools, ids and cursors
    host.postMessage({ jsonrpc: '2.0', ...message }, '*');
  }
}

/** Takes over the theme and the style variables of the host; a View has values of its own for those that are not given. */
export function applyHostStyles({ theme, styles }) {
  const { style } = document.documentElement;
  if (theme === 'light' || theme === 'dark') style.colorScheme = theme;
  const variables = Object.entries(styles?.variables ?? {}).filter(([, value]) => typeof value === 'string');
  const names = new Set(variables.map(([name]) => name));
  // the host's background under the View's own text, or the reverse, could not be read
  const coloured = names.has('--color-background-primary') && names.has('--color-text-primary');
  for (const [name, value] of variables) {
    if (name.startsWith('--') && (coloured || !name.startsWith('--color-'))) style.setProperty(name, value);
  }
}
