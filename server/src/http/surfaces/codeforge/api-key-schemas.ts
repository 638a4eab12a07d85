import { Type, type Static } from 'typebox';
import { apiKeyAbilities } from '../../../domain/ability.ts';
import { apiKeyDays, grantable } from '../../../domain/api-key.ts';
import { stated } from '../../documented.ts';
import { moment, nullable, optionalText } from '../../schema-parts.ts';

export const apiKeyParams = Type.Object({
  id: Type.String({ description: 'Of the key.', ...stated({ format: 'uuid' }) }),
});

/** Types only: the rest is the service's, which has the messages for it. */
export const createApiKeyBody = Type.Object(
  {
    name: Type.String({
      description: 'By which people know the key, unique among those of its owner that hold.',
      ...stated({ maxLength: 100, pattern: '^[A-Za-z0-9_-]+$' }),
    }),
    owner: optionalText(
      'The login of whose tasks it creates and sees, in any case; somebody new is made an ordinary user. Left out: the caller.',
      stated({ maxLength: 100 }),
    ),
    abilities: Type.Optional(
      Type.Array(Type.String(stated({ enum: grantable })), {
        description: 'What it may do; `runs:*` stands for all that begin so.',
        ...stated({ minItems: 1, default: apiKeyAbilities }),
      }),
    ),
    expires_in_days: Type.Optional(
      Type.Integer({
        description: 'Left out: it holds until it is revoked.',
        ...stated({ minimum: apiKeyDays.min, maximum: apiKeyDays.max }),
      }),
    ),
  },
  { title: 'ApiKeyInput', description: 'A key to make.' },
);

const known = {
  id: Type.String({ description: 'By which it is revoked.', format: 'uuid' }),
  name: Type.String({ description: 'Unique among those of its owner that hold.' }),
  owner: Type.String({ description: 'The login of whose tasks it creates and sees.' }),
  abilities: Type.Array(Type.String(), { description: 'What it may do.' }),
  created_at: moment('When it was made.'),
  expires_at: nullable(moment('When it ends by itself.'), 'When it ends by itself; null: never.'),
};

export const createdApiKey = Type.Object(
  {
    ...known,
    key: Type.String({ description: 'The key itself, shown this once: only its hash is kept.' }),
  },
  { title: 'CreatedApiKey' },
);

const apiKey = Type.Object(
  {
    ...known,
    hint: Type.String({ description: "The key's last characters." }),
    used_at: nullable(
      moment('When it was used last.'),
      'When it was used last, to within a minute; null: never.',
    ),
    revoked_at: nullable(moment('When it was revoked.'), 'When it was revoked; null: it was not.'),
  },
  { title: 'ApiKey', description: 'An API key, without what it opens the server with.' },
);
export type ApiKeyBody = Static<typeof apiKey>;

export const apiKeyList = Type.Object(
  {
    api_keys: Type.Array(apiKey, {
      description: 'All that are stored, the newest first; revoked and expired ones too.',
    }),
  },
  { title: 'ApiKeyList' },
);

export const revokedApiKey = Type.Object(
  { message: Type.String({ description: 'For people.' }) },
  { title: 'RevokedApiKey' },
);
