// SPDX-License-Identifier: Apache-2.0
import type { FileEntry } from '@isola/protocol'
import { IsolaError } from '@isola/protocol/wire'
import type { Client } from '../connection/client.ts'
import type { HttpRequest } from '../connection/exchange.ts'
import { defined } from '../process/processes.ts'
import { SdkError } from '../sdk-error.ts'
import { entryLines } from './entry-lines.ts'
import { type FileContent, fileBody, octalMode } from './file-body.ts'

export interface FileOptions {
  /** Acts as this user of the sandbox; default `user`. */
  readonly user?: string | undefined
  readonly signal?: AbortSignal | undefined
}

export interface ReadOptions extends FileOptions {
  readonly offset?: number | undefined
  /** Bytes; default: to the end. */
  readonly length?: number | undefined
}

export interface WriteOptions extends FileOptions {
  /** Permission bits, e.g. 0o644. */
  readonly mode?: number | undefined
  /** Make the directories above it. */
  readonly parents?: boolean | undefined
  readonly append?: boolean | undefined
}

export interface ListOptions extends FileOptions {
  /** 1 (default) is the directory itself. */
  readonly depth?: number | undefined
  /** Entries; without it a listing that is too long is an error. */
  readonly limit?: number | undefined
}

/** The files of a sandbox. Relative paths start at its working directory. */
export class Files {
  readonly #client: Client
  readonly #base: string

  /** Use `sandbox.files`. */
  constructor(client: Client, sandbox: string) {
    this.#client = client
    this.#base = `/v1/sandboxes/${encodeURIComponent(sandbox)}/files`
  }

  async read(path: string, options: ReadOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
    const response = await this.#client.request(this.#get('', path, options))
    return response.bytes()
  }

  /** As UTF-8. */
  async readText(path: string, options: ReadOptions = {}): Promise<string> {
    return new TextDecoder().decode(await this.read(path, options))
  }

  /** Chunk by chunk, as fast as they are taken; a file that cannot be read is told before the first. */
  async readStream(path: string, options: ReadOptions = {}): Promise<AsyncIterable<Uint8Array>> {
    const response = await this.#client.request(this.#get('', path, options))
    return response.stream()
  }

  /**
   * The file appears whole or not at all; with `append`, and where one is written in place because its directory
   * takes no new file, a write that breaks off leaves a part.
   */
  async write(path: string, content: FileContent, options: WriteOptions = {}): Promise<{ size: number }> {
    const { signal, mode, ...query } = options
    return this.#client.requestJson<{ size: number }>({
      method: 'PUT',
      path: this.#base,
      query: { path, ...query, mode: octalMode(mode) },
      body: fileBody(content),
      repeatable: options.append !== true,
      signal,
    })
  }

  /** Entries of a directory, in the order of the directory. @throws {SdkError} list.truncated */
  async list(path: string, options: ListOptions = {}): Promise<FileEntry[]> {
    const entries: FileEntry[] = []
    for await (const entry of this.walk(path, options)) entries.push(entry)
    return entries
  }

  /** As `list`, one entry at a time, for directories of any size. */
  async *walk(path: string, options: ListOptions = {}): AsyncGenerator<FileEntry> {
    const response = await this.#client.request(this.#get('/list', path, options))
    for await (const entry of entryLines(response.stream())) {
      if (entry !== 'truncated') yield entry
      else if (options.limit === undefined) {
        throw new SdkError(
          'list.truncated',
          `list ${path}: it has more entries than one listing holds`,
          'give a limit, or list its directories one by one',
        )
      }
    }
  }

  async stat(path: string, options: FileOptions & { readonly follow?: boolean | undefined } = {}): Promise<FileEntry> {
    return this.#client.requestJson<FileEntry>(this.#get('/stat', path, options))
  }

  async exists(path: string, options: FileOptions = {}): Promise<boolean> {
    try {
      await this.stat(path, options)
      return true
    } catch (error) {
      if (IsolaError.is(error) && error.code === 'file.not_found') return false
      throw error
    }
  }

  async makeDirectory(
    path: string,
    options: FileOptions & { readonly parents?: boolean; readonly mode?: number } = {},
  ): Promise<void> {
    const { signal, mode, ...fields } = options
    await this.#send({
      method: 'POST',
      path: `${this.#base}/mkdir`,
      json: { path, ...defined({ ...fields, mode: octalMode(mode) }) },
      repeatable: options.parents === true,
      signal,
    })
  }

  async remove(path: string, options: FileOptions & { readonly recursive?: boolean | undefined } = {}): Promise<void> {
    const { signal, ...query } = options
    await this.#send({ method: 'DELETE', path: this.#base, query: { path, ...query }, signal })
  }

  async move(
    from: string,
    to: string,
    options: FileOptions & { readonly overwrite?: boolean | undefined } = {},
  ): Promise<void> {
    const { signal, ...fields } = options
    await this.#send({ method: 'POST', path: `${this.#base}/move`, json: { from, to, ...defined(fields) }, signal })
  }

  #get(route: string, path: string, options: FileOptions): HttpRequest {
    const { signal, ...query } = options
    return { method: 'GET', path: this.#base + route, query: { path, ...query }, signal }
  }

  /** The connection is free for the next request only when the answer has been read. */
  async #send(request: HttpRequest): Promise<void> {
    const response = await this.#client.request(request)
    await response.bytes()
  }
}
