-- Webhooks in: what forges have told, stored before anything is done about it.

create table deliveries (
  id uuid primary key,
  owner_id uuid not null references users,
  source text not null check (source in ('github', 'gitlab')),
  -- The sender's id: the same when it sends once more.
  delivery_id text not null,
  event text not null,
  action text,
  -- The pull request that it is about, and its head: what came twice by two deliveries is found by them.
  subject text,
  head_commit text,
  -- What is needed of the body, and nothing else; null where nothing is.
  payload jsonb,
  body_sha256 text not null,
  body_bytes integer not null,
  state text not null check (state in ('waiting', 'created', 'deduplicated', 'skipped', 'ignored', 'refused')),
  reason text,
  task_id uuid references tasks,
  -- Rises each time that it is to be done again, and when that was.
  round integer not null default 1,
  taken_at timestamptz not null default now(),
  attempts integer not null default 0,
  available_at timestamptz not null default now(),
  created_at timestamptz not null default now(),
  settled_at timestamptz,
  unique (source, delivery_id),
  constraint delivery_settled check ((settled_at is null) = (state = 'waiting')),
  constraint delivery_payload check (payload is not null or state = 'ignored')
);
create index deliveries_waiting on deliveries (available_at) where state = 'waiting';
create index deliveries_taken on deliveries (subject, taken_at) where state in ('waiting', 'created');
create index deliveries_newest on deliveries (created_at desc, id desc);
