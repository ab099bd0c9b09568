// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { INITIAL_CREDIT_BYTES } from '../limits.ts'
import { ReceiveWindow, SendWindow } from './credit.ts'

test('a sender that keeps to its credit never overruns, and is never starved', () => {
  const steps = fc.array(fc.integer({ min: 1, max: 400_000 }), { minLength: 1, maxLength: 60 })
  fc.assert(
    fc.property(steps, (sizes) => {
      const sender = new SendWindow()
      const receiver = new ReceiveWindow()
      for (const wanted of sizes) {
        const size = Math.min(wanted, sender.availableBytes)
        expect(size).toBeGreaterThan(0)
        sender.spend(size)
        expect(receiver.receive(size)).toBe(true)
        sender.grant(receiver.consume(size))
      }
    }),
  )
})

test('one byte beyond the credit is seen by both sides', () => {
  const sender = new SendWindow()
  sender.spend(INITIAL_CREDIT_BYTES)
  expect(() => sender.spend(1)).toThrow(RangeError)
  const receiver = new ReceiveWindow()
  expect(receiver.receive(INITIAL_CREDIT_BYTES)).toBe(true)
  expect(receiver.receive(1)).toBe(false)
})

test('credit comes back in batches', () => {
  const receiver = new ReceiveWindow()
  receiver.receive(INITIAL_CREDIT_BYTES)
  expect(receiver.consume(INITIAL_CREDIT_BYTES / 2 - 1)).toBe(0)
  expect(receiver.consume(1)).toBe(INITIAL_CREDIT_BYTES / 2)
})
