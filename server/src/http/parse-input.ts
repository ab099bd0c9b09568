// SPDX-License-Identifier: Apache-2.0
import { IsolaError } from '@isola/protocol'
import type * as z from 'zod'

type Part = 'path' | 'query' | 'header' | 'body'
const MAX_ISSUES_SHOWN = 10

/** Parses one part of a request with its schema; the error names the field and what it should have been. */
export function parseInput<Schema extends z.ZodType>(part: Part, schema: Schema, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const issues = parsed.error.issues.slice(0, MAX_ISSUES_SHOWN).map((issue) => ({
    field: fieldOf(issue),
    problem: issue.message.charAt(0).toLowerCase() + issue.message.slice(1),
  }))
  const [first] = issues
  const where = first?.field === '' ? part : `${part} field ${first?.field}`
  throw new IsolaError('request.invalid', `${where}: ${first?.problem}`, { context: { part, issues } })
}

/** A query as an object: repeated names become lists, names that the schema does not have are refused. */
export function parseQuery<Schema extends z.ZodObject>(schema: Schema, query: URLSearchParams): z.output<Schema> {
  const values: Record<string, string | string[]> = {}
  for (const name of new Set(query.keys())) {
    if (!Object.hasOwn(schema.shape, name)) {
      const known = Object.keys(schema.shape).join(', ')
      throw new IsolaError('request.invalid', `query field ${name} is not known`, {
        hint: `this route knows ${known || 'none'}`,
      })
    }
    const all = query.getAll(name)
    values[name] = all.length === 1 ? (all[0] as string) : all
  }
  return parseInput('query', schema, values)
}

function fieldOf(issue: z.core.$ZodIssue): string {
  const unknown = issue.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : []
  return [...issue.path, ...unknown].map(String).join('.')
}
