// SPDX-License-Identifier: Apache-2.0
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import type { SandboxQuery, SandboxRecord, Store } from '@isola/core'
import { IsolaError, type Network } from '@isola/protocol'
import { diskIsFull, openDatabase } from './open-database.host.ts'
import { RecordCache } from './record-cache.ts'
import { explainSqliteError, isUniqueViolation } from './sqlite-error.ts'

const IDEMPOTENCY_KEPT_MS = 24 * 3600 * 1000
const IDEMPOTENCY_PURGED_EVERY_MS = 60 * 1000

interface Row {
  readonly record: string
}

/** The embedded store: one file, one writer, every statement prepared once. */
export class SqliteStore implements Store {
  readonly #path: string
  readonly #database: DatabaseSync
  readonly #nowMs: () => number
  readonly #statements = new Map<string, StatementSync>()
  readonly #cache = new RecordCache()
  #purgedAtMs = Number.NEGATIVE_INFINITY

  constructor(path: string, nowMs: () => number = Date.now) {
    this.#path = path
    this.#nowMs = nowMs
    this.#database = openDatabase(path)
  }

  insert(record: SandboxRecord): void {
    this.#run(
      'INSERT INTO sandboxes (id, name, state, created_at, record) VALUES (?, ?, ?, ?, ?)',
      [record.id, record.name, record.state, record.createdAt, JSON.stringify(record)],
      record.name,
    )
    this.#cache.keep(record)
  }

  update(id: string, change: Partial<Omit<SandboxRecord, 'id'>>): void {
    const current = this.#findById(id)
    if (current === undefined) throw new IsolaError('sandbox.not_found', `update sandbox ${id}: it is not in the store`)
    const record = { ...current, ...change }
    this.#run(
      'UPDATE sandboxes SET name = ?, state = ?, record = ? WHERE id = ?',
      [record.name, record.state, JSON.stringify(record), id],
      record.name,
    )
    this.#cache.keep(record)
  }

  remove(id: string): void {
    this.#cache.forget(id)
    this.#run('DELETE FROM sandboxes WHERE id = ?', [id])
  }

  find(idOrName: string): SandboxRecord | undefined {
    return (
      this.#findById(idOrName) ??
      this.#get(
        `SELECT record FROM sandboxes WHERE name = ?
         ORDER BY state IN ('creating', 'running') DESC, created_at DESC LIMIT 1`,
        [idOrName],
      )
    )
  }

  list(query: SandboxQuery): readonly SandboxRecord[] {
    const conditions: string[] = []
    const values: SQLInputValue[] = []
    const where = (condition: string, ...operands: SQLInputValue[]): void => {
      conditions.push(condition)
      values.push(...operands)
    }
    if (query.state !== undefined) where('state = ?', query.state)
    if (query.name !== undefined) where('name = ?', query.name)
    for (const [key, value] of Object.entries(query.labels ?? {})) {
      where(`EXISTS (SELECT 1 FROM json_each(record, '$.labels') WHERE key = ? AND value = ?)`, key, value)
    }
    if (query.after !== undefined) where('(created_at, id) > (?, ?)', ...this.#positionOf(query.after))
    const filter = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`
    const sql = `SELECT record FROM sandboxes ${filter} ORDER BY created_at, id LIMIT ?`
    const rows = this.#guard(() => this.#statement(sql).all(...values, query.limit)) as unknown as Row[]
    return rows.map(parseRow)
  }

  count(): number {
    const row = this.#guard(() => this.#statement('SELECT count(*) AS count FROM sandboxes').get()) as { count: number }
    return row.count
  }

  recall(idempotencyKey: string): { readonly fingerprint: string; readonly sandboxId: string } | undefined {
    const sql = 'SELECT fingerprint, sandbox_id AS sandboxId FROM idempotency WHERE key = ? AND created_at_ms > ?'
    const row = this.#guard(() => this.#statement(sql).get(idempotencyKey, this.#nowMs() - IDEMPOTENCY_KEPT_MS))
    return row as { fingerprint: string; sandboxId: string } | undefined
  }

  remember(idempotencyKey: string, fingerprint: string, sandboxId: string): void {
    const nowMs = this.#nowMs()
    this.#purge(nowMs)
    this.#run('INSERT OR REPLACE INTO idempotency (key, fingerprint, sandbox_id, created_at_ms) VALUES (?, ?, ?, ?)', [
      idempotencyKey,
      fingerprint,
      sandboxId,
      nowMs,
    ])
  }

  #purge(nowMs: number): void {
    if (nowMs - this.#purgedAtMs < IDEMPOTENCY_PURGED_EVERY_MS) return
    this.#purgedAtMs = nowMs
    this.#run('DELETE FROM idempotency WHERE created_at_ms <= ?', [nowMs - IDEMPOTENCY_KEPT_MS])
  }

  close(): void {
    this.#statements.clear()
    this.#database.close()
  }

  #positionOf(after: string): [createdAt: string, id: string] {
    const [createdAt, id] = after.split(' ')
    if (createdAt !== undefined && id !== undefined) return [createdAt, id]
    return [this.find(after)?.createdAt ?? '', after]
  }

  #findById(id: string): SandboxRecord | undefined {
    const cached = this.#cache.get(id)
    if (cached !== undefined) return cached
    const record = this.#get('SELECT record FROM sandboxes WHERE id = ?', [id])
    return record && this.#cache.keep(record)
  }

  #get(sql: string, values: readonly SQLInputValue[]): SandboxRecord | undefined {
    const row = this.#guard(() => this.#statement(sql).get(...values)) as unknown as Row | undefined
    return row === undefined ? undefined : parseRow(row)
  }

  #run(sql: string, values: readonly SQLInputValue[], name: string | null = null): void {
    this.#guard(() => {
      try {
        this.#statement(sql).run(...values)
      } catch (error) {
        if (name !== null && isUniqueViolation(error)) throw nameTaken(name, error)
        throw error
      }
    })
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      statement = this.#database.prepare(sql)
      this.#statements.set(sql, statement)
    }
    return statement
  }

  #guard<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      throw explainSqliteError(error, this.#path, () => diskIsFull(this.#path))
    }
  }
}

/** Where a record stands in the order of creation; unlike its id it stays good when the record is gone. */
export function positionAfter(record: Pick<SandboxRecord, 'createdAt' | 'id'>): string {
  return `${record.createdAt} ${record.id}`
}

function parseRow(row: Row): SandboxRecord {
  // Records of versions that knew no networks have none.
  const { network = 'none', ...record } = JSON.parse(row.record) as Omit<SandboxRecord, 'network'> & {
    network?: Network
  }
  return { ...record, network }
}

function nameTaken(name: string, cause: unknown): IsolaError {
  return new IsolaError('sandbox.name_taken', `a sandbox named ${name} exists already`, { context: { name }, cause })
}
