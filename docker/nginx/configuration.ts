/** Where nginx listens, and what stands behind each of its servers. */
export type NginxOptions = {
  /** The addresses that clients use. */
  readonly urls: Readonly<Record<ServiceName, URL>>;
  /** The name and the port under which the name server finds the instances, such as `auth:3000`. */
  readonly instances: Readonly<Record<ServiceName, string>>;
  /** Addresses on which each service is offered with TLS. Those of several services may be equal: then the host decides. */
  readonly listen: Readonly<Record<ServiceName, readonly string[]>>;
  /** Addresses on which the other services find this one, without TLS. */
  readonly internal: Readonly<Partial<Record<ServiceName, string>>>;
  /** An address that answers when nginx runs. */
  readonly health: string;
  readonly nameServerPort: number;
  readonly certificate: string;
  readonly key: string;
  /** A folder for the files of nginx. */
  readonly directory: string;
};

type ServiceName = 'auth' | 'api' | 'mcp';

const SERVICES = ['auth', 'api', 'mcp'] as const;

/** The host names in docs/examples/nginx.conf. */
const EXAMPLE_HOSTS = { auth: 'auth.example.com', api: 'todos.example.com', mcp: 'mcp.example.com' } as const;

/**
 * Writes the configuration of nginx for several instances of each service. The rules are those of
 * docs/examples/nginx.conf, which is for one instance. What differs: nginx asks the name server before a request which
 * instances there are, and opens a connection for each request, because it would keep idle ones to instances that have stopped.
 * @param example the content of that file.
 * @throws {Error} when the example lacks what is to be replaced.
 */
export function writeNginxConfiguration(example: string, options: NginxOptions): string {
  let rules = example;
  const replace = (text: string | RegExp, replacement: string) => {
    const replaced = rules.replace(text, replacement);
    if (replaced === rules) throw new Error(`the example of a configuration of nginx does not contain ${text}`);
    rules = replaced;
  };
  for (const service of SERVICES) {
    const { hostname } = options.urls[service];
    const listen = options.listen[service].map((address) => `listen ${address} ssl;`).join(' ');
    replace(new RegExp(`^upstream yata_${service} .*$`, 'm'), map(service, options.instances[service]));
    replace(`proxy_pass http://yata_${service};`, `proxy_pass http://$yata_${service};`);
    replace(
      `listen 443 ssl;\n  server_name ${EXAMPLE_HOSTS[service]};`,
      `${listen}\n  server_name ${hostname.replace(/[^\w.:[\]-]/g, '')};`,
    );
  }
  // mcp compares the host with the port that its clients use
  replace('proxy_set_header Host $host;', 'proxy_set_header Host $$http_host;');
  replace(/^ssl_certificate .*$/m, `ssl_certificate ${options.certificate};`);
  replace(/^ssl_certificate_key .*$/m, `ssl_certificate_key ${options.key};`);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `daemon off;
worker_processes auto;
pid ${options.directory}/nginx.pid;
error_log stderr;
events { worker_connections 8192; }
http {
access_log off;
server_tokens off;
${temporary.map((name) => `${name}_temp_path ${options.directory}/${name};`).join('\n')}
resolver 127.0.0.1:${options.nameServerPort} valid=1s ipv6=off;
resolver_timeout 5s;
# An instance that does not answer at once has gone, and another one gets the request. A request that an instance may have
# begun goes to another one only when it can be repeated: nginx does so by itself for GET, HEAD, PUT, DELETE and OPTIONS.
proxy_connect_timeout 2s;
proxy_next_upstream error timeout;
proxy_next_upstream_tries 3;
# a client of TLS that names no host, or another one, gets the server of its port
${rules}
${SERVICES.flatMap((service) => internalServer(service, options.internal[service])).join('\n')}
server {
  listen ${options.health};
  location / { return 204; }
}
}
`;
}

function map(service: ServiceName, instances: string): string {
  return `map '' $yata_${service} { default ${instances}; }`;
}

function internalServer(service: ServiceName, address: string | undefined): string[] {
  if (address === undefined) return [];
  return [
    `server {
  listen ${address};
  client_max_body_size 11m;
  location / { proxy_pass http://$yata_${service}; }
}`,
  ];
}
