import { ForgeError } from './forge.ts';

/**
 * Does what changes something at a forge, once. Where no answer came, it may have been done: then `look` says
 * what is there, and only when that is nothing does the error go on, for the caller to come again later.
 */
export async function actOrFind<T>(act: () => Promise<T>, look: () => Promise<T | undefined>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof ForgeError) || error.code !== 'unavailable') throw error;
    const found = await look();
    if (found === undefined) throw error;
    return found;
  }
}
