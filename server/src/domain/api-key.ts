import { abilities } from './ability.ts';

/** How every API key of this server begins, so that one that lies around is known for what it is. */
export const apiKeyPrefix = 'slipway_';

/** Whether a text has the form of one: 32 random bytes behind the prefix. What has not is not looked for. */
export function isApiKey(text: string): boolean {
  return /^slipway_[A-Za-z0-9_-]{43}$/u.test(text);
}

/** Words that an API key can be given: an ability, or a group of them (`runs:*`). Not all of them at once. */
export const grantable: readonly string[] = [
  ...abilities,
  ...new Set(abilities.map((ability) => `${ability.slice(0, ability.indexOf(':'))}:*`)),
];

export const apiKeyDays = { min: 1, max: 3_650 } as const;

/** Of a person, as code hosts have them. */
export function isLogin(text: string): boolean {
  return /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9_])?$/u.test(text);
}
