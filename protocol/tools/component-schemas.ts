// SPDX-License-Identifier: Apache-2.0
import * as z from 'zod'

export type JsonSchema = Record<string, unknown>
const POINTER = '#/components/schemas/'

/**
 * Turns zod schemas into JSON Schema and gathers those with an id as components. Requests are
 * described as what may be sent (`input`), responses as what comes (`output`).
 */
export class ComponentSchemas {
  readonly #components = new Map<string, JsonSchema>()

  convert(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
    const { $schema: _, $defs, ...root } = z.toJSONSchema(schema, { io, target: 'draft-2020-12' }) as JsonSchema
    for (const [id, definition] of Object.entries(($defs ?? {}) as Record<string, JsonSchema>))
      this.#add(id, definition)
    const id = root['id']
    if (typeof id !== 'string') return rewritten(root)
    this.#add(id, root)
    return { $ref: `${POINTER}${id}` }
  }

  all(): Record<string, JsonSchema> {
    return Object.fromEntries([...this.#components].sort(([left], [right]) => (left < right ? -1 : 1)))
  }

  #add(id: string, { id: _, ...definition }: JsonSchema): void {
    const schema = rewritten(definition)
    const earlier = this.#components.get(id)
    if (earlier !== undefined && JSON.stringify(earlier) !== JSON.stringify(schema)) {
      throw new Error(`schema ${id} differs between requests and responses: give the forms names of their own`)
    }
    this.#components.set(id, schema)
  }
}

/** References point to the components; ids of nested schemas are names there, not JSON Schema ids. */
function rewritten(schema: JsonSchema): JsonSchema {
  return JSON.parse(JSON.stringify(schema), (key, value: unknown) =>
    key === '$ref' && typeof value === 'string' ? value.replace('#/$defs/', POINTER) : value,
  ) as JsonSchema
}
