// SPDX-License-Identifier: Apache-2.0

/**
 * The schema, one step per version; a step that has been released is never changed.
 * `record` holds the whole SandboxRecord as JSON, the columns beside it are what queries need.
 */
export const MIGRATIONS: readonly string[] = [
  `CREATE TABLE sandboxes (
     id TEXT PRIMARY KEY,
     name TEXT,
     state TEXT NOT NULL,
     created_at TEXT NOT NULL,
     record TEXT NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE UNIQUE INDEX sandboxes_living_name ON sandboxes (name)
     WHERE name IS NOT NULL AND state IN ('creating', 'running', 'stopping');
   CREATE INDEX sandboxes_name ON sandboxes (name) WHERE name IS NOT NULL;
   CREATE INDEX sandboxes_order ON sandboxes (created_at, id);
   CREATE TABLE idempotency (
     key TEXT PRIMARY KEY,
     fingerprint TEXT NOT NULL,
     sandbox_id TEXT NOT NULL,
     created_at_ms INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX idempotency_age ON idempotency (created_at_ms);`,
  // One that is being removed holds its name no more: it may be a dead one whose name a living one has by now.
  `DROP INDEX sandboxes_living_name;
   CREATE UNIQUE INDEX sandboxes_living_name ON sandboxes (name)
     WHERE name IS NOT NULL AND state IN ('creating', 'running');`,
]

export const SCHEMA_VERSION = MIGRATIONS.length
