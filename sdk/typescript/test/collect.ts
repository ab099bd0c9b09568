// SPDX-License-Identifier: Apache-2.0
/** All that comes, as an array. */
export async function collect<Value>(source: AsyncIterable<Value>): Promise<Value[]> {
  const values: Value[] = []
  for await (const value of source) values.push(value)
  return values
}
