import { Type, type Static } from 'typebox';
import { keyProviders, scopeMaxLength } from '../../../domain/key.ts';
import { stated } from '../../documented.ts';
import { moment, optionalText, word } from '../../schema-parts.ts';

/** The longest token of a forge or of Sentry that is taken, in bytes; of a private key its own limit holds. */
export const tokenMaxBytes = 4_096;

const nameText = 'Of the key, unique for its owner.';
const provider = word('What the key is for; `ssh`: a private key for git.', keyProviders);

export const keyParams = Type.Object({ name: Type.String({ description: nameText }) });

/** Types only: the rest is `key-submission.ts`'s, which has the messages for it. */
export const createKeyBody = Type.Object(
  {
    name: Type.String({
      description: 'By which tasks name the key, unique for its owner; not `catalog`.',
      ...stated({ maxLength: 100, pattern: '^[A-Za-z0-9_-]+$' }),
    }),
    provider: Type.String({
      description: 'What the key is for; `ssh`: a private key for git.',
      ...stated({ enum: keyProviders }),
    }),
    token: Type.String({
      description:
        'The token, or the private key with its first and last line. Kept encrypted, never returned.',
      writeOnly: true,
      ...stated({ minLength: 1, maxLength: 32_768 }),
    }),
    scope: optionalText(
      'What alone the key may be used for: an owner or `owner/repo`; of GitLab a group, with sub-groups, or a project; of Sentry an organization or `organization/project`, by their slugs; of ssh a host or `host/path`. Empty: no limit.',
      stated({ maxLength: scopeMaxLength }),
    ),
  },
  { title: 'KeyInput', description: 'A key to keep.' },
);
export type CreateKeyBody = Static<typeof createKeyBody>;

export const createdKey = Type.Object(
  {
    name: Type.String({ description: nameText }),
    provider,
    message: Type.String({ description: 'For people.' }),
  },
  { title: 'CreatedKey' },
);

export const keyList = Type.Object(
  {
    keys: Type.Array(
      Type.Object(
        {
          name: Type.String({ description: nameText }),
          provider,
          scope: Type.String({ description: 'What alone it may be used for; empty: no limit.' }),
          created_at: moment('When it was registered.'),
        },
        { title: 'Key', description: 'A stored key, without its token.' },
      ),
      { description: "All keys of the caller's, by name." },
    ),
  },
  { title: 'KeyList' },
);

export const validKey = Type.Object(
  {
    name: Type.String({ description: nameText }),
    provider,
    valid: Type.Boolean({ description: 'True.', enum: [true] }),
    username: Type.String({ description: "The token's user; empty where the provider does not tell." }),
    email: Type.String({ description: "The user's address; may be empty." }),
    scopes: Type.String({
      description: 'What the token may do, in the words of the provider, separated by commas; may be empty.',
    }),
    error: Type.String({ description: 'Empty.' }),
  },
  { title: 'ValidKey' },
);

export const invalidKey = Type.Object(
  {
    name: Type.String({ description: nameText }),
    provider,
    valid: Type.Boolean({ description: 'False.', enum: [false] }),
    error: Type.String({ description: 'What is wrong with the token.' }),
  },
  { title: 'InvalidKey' },
);

export const deletedKey = Type.Object(
  { message: Type.String({ description: 'For people.' }) },
  { title: 'DeletedKey' },
);
