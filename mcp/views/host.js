const PROTOCOL_VERSION = '2026-01-26';

/**
 * Connects a View to its host: JSON-RPC 2.0 over postMessage (MCP Apps 2026-01-26, Communication Protocol).
 * `listeners` has a function for each notification of the host. Returns the capabilities and the context of the host.
 */
export async function connectToHost(appInfo, listeners) {
  const host = window.parent;
  const pending = new Map();
  let requests = 0;
  window.addEventListener('message', ({ source, data }) => {
    // any window with a reference to this one can post to it; only messages of the host count
    if (source !== host || data?.jsonrpc !== '2.0') return;
    if (data.method === undefined) settle(data);
    else if (data.id === undefined) listeners[data.method]?.(data.params ?? {});
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
    /** Reports that the View is ready. The host then sends the arguments and the result of the call. */
    start() {
      send({ method: 'ui/notifications/initialized' });
      new ResizeObserver(sendSize).observe(document.documentElement);
    },
    callTool: (name, args) => request('tools/call', { name, arguments: args }),
  };

  /** Sends a request. It has no timeout, because the host may ask the user for permission. */
  function request(method, params) {
    requests += 1;
    const id = requests;
    return new Promise((resolve, reject) => {
      pending.set(id, { resolve, reject });
      send({ id, method, params });
    });
  }

  function settle({ id, result, error }) {
    const request = pending.get(id);
    pending.delete(id);
    if (error === undefined) request?.resolve(result);
    else request?.reject(new Error(error.message));
  }

  function answer({ id, method }) {
    if (method === 'ping' || method === 'ui/resource-teardown') send({ id, result: {} });
    else send({ id, error: { code: -32601, message: `The View has no method ${method}` } });
  }

  function sendSize() {
    const { width, height } = document.documentElement.getBoundingClientRect();
    const params = { width: Math.ceil(width), height: Math.ceil(height) };
    send({ method: 'ui/notifications/size-changed', params });
  }

  function send(message) {
    // a View does not know the origin of its host; it sends only names of tools, ids and cursors
    host.postMessage({ jsonrpc: '2.0', ...message }, '*');
  }
}

/** Applies the theme and the style variables of the host. The View has defaults for variables that the host does not set. */
export function applyHostStyles({ theme, styles }) {
  const { style } = document.documentElement;
  if (theme === 'light' || theme === 'dark') style.colorScheme = theme;
  const variables = Object.entries(styles?.variables ?? {}).filter(([, value]) => typeof value === 'string');
  const names = new Set(variables.map(([name]) => name));
  // only together: the host's background with the View's own text colour might not be readable
  const coloured = names.has('--color-background-primary') && names.has('--color-text-primary');
  for (const [name, value] of variables) {
    if (name.startsWith('--') && (coloured || !name.startsWith('--color-'))) style.setProperty(name, value);
  }
}
