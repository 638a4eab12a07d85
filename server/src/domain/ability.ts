/** What a credential may do; a task's owner may be able to do more with another one. */
export const abilities = [
  'projects:read',
  'projects:write',
  'runs:start',
  'runs:control',
  'git:commit',
  'git:push',
  'settings:read',
  'settings:write',
] as const;
export type Ability = (typeof abilities)[number];

export const credentialKinds = ['api_key'] as const;
export type CredentialKind = (typeof credentialKinds)[number];

/** What an API key may do where nobody says otherwise. */
export const apiKeyAbilities = ['projects:read', 'runs:*', 'git:*'] as const;

/** Of who acts for the server itself: a step of a workflow, a webhook that was checked. */
export const everyAbility = ['*'] as const;

/** Whether `granted` covers an ability: by its name, by `<group>:*`, or by `*`, which stands for all. */
export function covers(granted: readonly string[], ability: Ability): boolean {
  const group = `${ability.slice(0, ability.indexOf(':'))}:*`;
  return granted.some((name) => name === ability || name === group || name === '*');
}
