/** A rule about what the files of `files` may import. Everything that it names is a glob on paths from the root. */
export type ImportRule = {
  readonly name: string;
  /** Whether the rule says what a whole folder at the root may import. Each file has to have such a rule. */
  readonly layer?: true;
  readonly files: readonly string[];
  /** Files that the rule leaves alone. */
  readonly except?: readonly string[];
  /** What a person who breaks the rule reads. */
  readonly because: string;
} & (
  | {
      /** The files of the project that may be imported. Packages are not limited. */
      readonly only: readonly string[];
    }
  | {
      /** What may not be imported: paths, `npm:PACKAGE`, or `process.env` for a read of the environment. */
      readonly never: readonly string[];
      /** Whether `import type` of the same is allowed. */
      readonly typesAllowed?: boolean;
    }
  | {
      /** There may be no such file. */
      readonly absent: true;
    }
);

const TESTS = ['**/*.test.ts', '**/testing/**'];
const ABOVE_ALL = ['test/**', 'bench/**', 'scripts/**', '*.config.ts'];
const HTTP_FRAMEWORKS = 'npm:{koa,koa-*,@koa/*,express,fastify,hono,@hono/*,oidc-provider,@modelcontextprotocol/*}';
const LAYERS = 'imports go one way: yata.ts → cli → auth, api, mcp → shared, and docker → shared';
const OVER_HTTP = `${LAYERS}; the services meet over HTTP`;

/** Constants and definitions that entities and services have in common. They import nothing of the project. */
const DEFINITIONS = [
  'auth/clients/client-authentication-methods.ts',
  'auth/clients/client-kinds.ts',
  'auth/signing-keys/signing-algorithms.ts',
  'auth/status-lists/status-changes.ts',
];

/** What imports what. `npm run check` applies it. */
export const IMPORT_RULES: readonly ImportRule[] = [
  // Every file belongs to one layer. A new folder gets its line here first.
  { layer: true, name: 'yata.ts', files: ['yata.ts'], only: ['cli/**'], because: LAYERS },
  { layer: true, name: 'cli', files: ['cli/**'], only: ['{cli,auth,api,mcp,shared}/**'], because: LAYERS },
  { layer: true, name: 'auth', files: ['auth/**'], only: ['{auth,shared}/**'], because: OVER_HTTP },
  { layer: true, name: 'api', files: ['api/**'], only: ['{api,shared}/**'], because: OVER_HTTP },
  { layer: true, name: 'mcp', files: ['mcp/**'], only: ['{mcp,shared}/**'], because: OVER_HTTP },
  { layer: true, name: 'shared', files: ['shared/**'], only: ['shared/**'], because: LAYERS },
  { layer: true, name: 'docker', files: ['docker/**'], only: ['{docker,shared}/**'], because: LAYERS },
  {
    layer: true,
    name: 'examples',
    files: ['docs/**'],
    only: ['docs/**'],
    because: 'an example is a program of a user: it uses yata over HTTP',
  },
  { layer: true, name: 'development', files: ABOVE_ALL, only: ['**'], because: 'these may import everything' },

  // The resource server core works in any HTTP framework and could be a package of its own.
  {
    name: 'the resource server is self-contained',
    files: ['shared/resource-server/**'],
    except: TESTS,
    only: ['shared/resource-server/**'],
    because: 'shared/resource-server imports nothing of the project; shared/http may import it, never the reverse',
  },
  {
    name: 'the resource server has no HTTP framework',
    files: ['shared/resource-server/**'],
    except: [...TESTS, 'shared/resource-server/koa.ts'],
    never: [HTTP_FRAMEWORKS],
    because: 'only the adapter shared/resource-server/koa.ts uses an HTTP framework',
  },

  // An upgrade of oidc-provider has one place to read.
  {
    name: 'values of oidc-provider',
    files: ['**'],
    except: ['auth/provider/**', ...ABOVE_ALL],
    never: ['npm:oidc-provider'],
    typesAllowed: true,
    because: 'throw an error of yata, which auth/provider/oauth-errors.ts translates',
  },
  {
    name: 'sign-in is above the provider',
    files: ['auth/provider/**', 'auth/pages/**'],
    except: TESTS,
    never: ['auth/sign-in/**'],
    because: 'auth/sign-in uses the provider; what both need is in auth/pages, or is handed in by auth/main.ts',
  },
  {
    name: 'types of oidc-provider',
    files: ['**'],
    except: ['auth/**', ...ABOVE_ALL],
    never: ['npm:oidc-provider'],
    because: 'only auth is built on oidc-provider',
  },

  {
    name: 'entities',
    files: ['**/*.entity.ts'],
    only: ['**/*.entity.ts', 'shared/**', ...DEFINITIONS],
    because: 'an entity describes a table; services import it, never the reverse',
  },
  { name: 'definitions', files: DEFINITIONS, except: TESTS, only: [], because: 'an entity imports it' },
  {
    name: 'features',
    files: ['{auth,api,mcp}/*/**'],
    except: TESTS,
    never: ['{auth,api,mcp}/{app,main,stdio}.ts'],
    because: 'the app mounts its features, so no feature imports the app',
  },
  {
    name: 'views',
    files: ['mcp/views/**/*.ts'],
    absent: true,
    because: 'mcp/views holds what a browser loads; code that serves it goes to mcp/resources',
  },
  {
    name: 'the environment',
    files: ['**'],
    except: [
      ...['yata.ts', 'cli/*.ts', '*/main.ts', 'mcp/stdio.ts', 'docs/examples/*.ts'],
      ...['docker/*/main.ts', 'docker/*/make-*.ts'],
      ...TESTS,
      ...ABOVE_ALL,
    ],
    never: ['process.env'],
    because: 'only composition roots read the environment; take what you need as a parameter',
  },
  {
    name: 'test code',
    files: ['**'],
    except: [...TESTS, ...ABOVE_ALL],
    never: [...TESTS, 'npm:vitest'],
    because: 'the image does not contain test code',
  },
];
