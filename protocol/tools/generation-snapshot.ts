// SPDX-License-Identifier: Apache-2.0
import * as z from 'zod'
import type { JsonSchema } from './component-schemas.ts'

type Operations = Readonly<Record<string, { readonly request: z.ZodType; readonly result: z.ZodType }>>

/**
 * What one generation of a frame protocol says, as JSON Schema. A generation that has been released
 * never changes: a sandbox made with it may answer a server of next year.
 */
export function generationSnapshot(protocol: string, generation: number, operations: Operations): JsonSchema {
  const described = Object.entries(operations).map(([name, { request, result }]) => [
    name,
    { request: plain(request, 'input'), result: plain(result, 'output') },
  ])
  return { protocol, generation, operations: Object.fromEntries(described) }
}

function plain(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, target: 'draft-2020-12' }) as JsonSchema
  return rest
}
