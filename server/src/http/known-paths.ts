import type { FastifyInstance } from 'fastify';

/** Tells a path that exists from one that does not, where the method fits neither. */
export type KnownPaths = {
  /** The methods of a path, sorted; empty: there is no such path. */
  readonly methodsOf: (path: string) => readonly string[];
};

/** Learns every route that is added to `app` afterwards, and below it. */
export function watchRoutes(app: FastifyInstance): KnownPaths {
  const routes = new Map<string, { readonly pattern: RegExp; readonly methods: Set<string> }>();
  app.addHook('onRoute', (route) => {
    const known = routes.get(route.url) ?? { pattern: patternOf(route.url), methods: new Set() };
    for (const method of [route.method].flat()) known.methods.add(method);
    routes.set(route.url, known);
  });
  return {
    methodsOf(path) {
      const found = [...routes.values()].filter((route) => route.pattern.test(path));
      return [...new Set(found.flatMap((route) => [...route.methods]))].sort();
    },
  };
}

function patternOf(url: string): RegExp {
  const parts = url
    .split('/')
    .map((part) => (part.startsWith(':') ? '[^/]+' : part.replaceAll(/[^\w-]/gu, '\\$&')));
  return new RegExp(`^${parts.join('/')}$`, 'u');
}
