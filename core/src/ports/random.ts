// SPDX-License-Identifier: Apache-2.0

/** What the domain needs of cryptography. */
export interface Random {
  /** Unpredictable bytes. */
  bytes(size: number): Uint8Array
  hmacSha256(key: Uint8Array, message: Uint8Array): Uint8Array
}
