// SPDX-License-Identifier: Apache-2.0
import * as z from 'zod'

/** Body of every error response. */
export const ErrorBody = z
  .object({
    error: z.object({
      code: z.string(),
      message: z.string().describe('the operation that failed and the value it failed on'),
      hint: z.string().describe('what to do next'),
      context: z.record(z.string(), z.unknown()),
      retryable: z.boolean(),
    }),
  })
  .meta({ id: 'Error' })
export type ErrorBody = z.infer<typeof ErrorBody>
