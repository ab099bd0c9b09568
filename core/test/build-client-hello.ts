// SPDX-License-Identifier: Apache-2.0

/** A ClientHello with these extensions in one record; null leaves the list of extensions out. */
export function buildHello(extensions: readonly Uint8Array[] | null): Buffer {
  const start = [3, 3, ...Array.from({ length: 32 }, () => 7), 0, 0, 2, 0x13, 1, 1, 0]
  const list = extensions === null ? Buffer.alloc(0) : sized(2, Buffer.concat(extensions))
  const body = Buffer.concat([Buffer.from(start), list])
  return record(Buffer.concat([Buffer.from([1]), sized(3, body)]))
}

export function record(payload: Uint8Array, type = 0x16): Buffer {
  return Buffer.concat([Buffer.from([type, 3, 1]), sized(2, payload)])
}

export function extension(type: number, data: Uint8Array = Buffer.alloc(0)): Buffer {
  return Buffer.concat([Buffer.from([type >> 8, type & 0xff]), sized(2, data)])
}

export function serverNames(...names: readonly string[]): Buffer {
  const entries = names.map((name) => Buffer.concat([Buffer.from([0]), sized(2, Buffer.from(name, 'utf8'))]))
  return extension(0, sized(2, Buffer.concat(entries)))
}

function sized(sizeBytes: number, data: Uint8Array): Buffer {
  const size = Buffer.alloc(sizeBytes)
  size.writeUIntBE(data.length, 0, sizeBytes)
  return Buffer.concat([size, data])
}
