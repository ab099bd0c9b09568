// SPDX-License-Identifier: Apache-2.0
/** Total in cents, tax included. */
export function invoiceTotal(lines, taxPercent) {
  const net = lines.reduce((sum, { cents, quantity }) => sum + cents * quantity, 0)
  return net + (net * taxPercent) / 100
}

/** Cents as people write them: 12.50 */
export function formatCents(cents) {
  return `${Math.floor(cents / 100)}.${cents % 100}`
}
