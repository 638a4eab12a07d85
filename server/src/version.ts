import pkg from '../package.json' with { type: 'json' };

/** The version that the package says. */
export const version: string = pkg.version;
