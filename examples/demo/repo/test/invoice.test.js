// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatCents, invoiceTotal } from '../src/invoice.js'

test('the total adds the tax', () => {
  assert.equal(invoiceTotal([{ cents: 1000, quantity: 2 }], 19), 2380)
})

test('the total is whole cents', () => {
  assert.equal(invoiceTotal([{ cents: 999, quantity: 1 }], 19), 1189)
})

test('cents have two digits', () => {
  assert.equal(formatCents(1205), '12.05')
})

test('a credit keeps its sign', () => {
  assert.equal(formatCents(-5), '-0.05')
})
