// SPDX-License-Identifier: Apache-2.0
import { MemoryStore } from './memory-store.ts'
import { storeContract } from './store-contract.ts'

storeContract('the store of the tests', () => new MemoryStore())
