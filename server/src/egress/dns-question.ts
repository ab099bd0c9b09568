// SPDX-License-Identifier: Apache-2.0
import { type Address, parseAddress } from '@isola/core'
import type { NetworkVerdict } from '@isola/protocol'
import { type Answer, EXTENDED_ERROR, writeAnswer } from './dns-answer.ts'
import { type Rcode, RCODE, type ReadQuestion, readQuestion } from './dns-message.ts'

const SHORTEST_TTL_SECONDS = 1
const LONGEST_TTL_SECONDS = 300
const LOCAL_TTL_SECONDS = 300
const MAX_ADDRESSES = 64

export interface LookedUp {
  /** Empty: the name exists without such addresses. */
  readonly addresses: readonly string[]
  readonly ttlMs: number
}

export interface NameLookup {
  /** Rejects when it could not be found out. */
  lookup(name: string, family: 4 | 6): Promise<LookedUp | 'no-such-name'>
}

export type QuestionOutcome = 'answered' | 'empty' | 'refused' | 'failed' | 'no-such-name'

export interface ToldQuestion {
  readonly name: string
  readonly type: string
  readonly verdict: NetworkVerdict
  readonly outcome: QuestionOutcome
}

export interface QuestionDeps {
  readonly lookup: NameLookup
  decide(name: string): NetworkVerdict
  /** Whether an answer may hold this address: whoever owns a name can let it point anywhere (DNS rebinding). */
  mayAnswer(name: string, address: Address): boolean
  /** Called before the answer leaves, with all addresses that are in it. */
  pin(name: string, addresses: readonly Address[], ttlMs: number): void
  told(entry: ToldQuestion): void
}

/** What is answered, and what is told about it. */
interface Finding extends Answer {
  readonly verdict: NetworkVerdict
  readonly outcome: QuestionOutcome
  /** The addresses are a remote machine's: a connection to one of them is a connection to the name. */
  readonly isRemote?: boolean
}

/**
 * The answer to one raw question of a sandbox; undefined for what must not be answered at all.
 *
 * DNS is no channel for data. A name is looked up only if the policy allows it, and only for its addresses: every
 * other type is answered as absent without asking anybody, so TXT and NULL carry nothing in. HTTPS and SVCB are
 * among them, which also takes the keys for encrypted client hellos away: the name in a hello stays readable.
 * What a CNAME leads through is not decided about; only the final addresses count, and each connection is decided on.
 *
 * Never throws, whatever the bytes and whatever `deps` do.
 */
export async function answerQuestion(
  message: Uint8Array,
  transport: 'udp' | 'tcp',
  deps: QuestionDeps,
): Promise<Uint8Array | undefined> {
  const question = readQuestion(message)
  if (question === undefined) return undefined
  if ('problem' in question) return writeAnswer(question.head, { rcode: question.problem }, transport).message
  try {
    const finding = await find(question, deps)
    const { message: answer, addresses } = writeAnswer(question.head, finding, transport)
    if (finding.isRemote === true && question.name !== undefined && addresses.length > 0)
      deps.pin(question.name, addresses, (finding.ttlSeconds ?? SHORTEST_TTL_SECONDS) * 1000)
    const { verdict, outcome } = finding
    deps.told({ name: question.shownName, type: question.type, verdict, outcome })
    return answer
  } catch {
    return writeAnswer(question.head, { rcode: RCODE.serverFailure }, transport).message
  }
}

async function find({ name, type }: ReadQuestion, deps: QuestionDeps): Promise<Finding> {
  if (name === undefined) return blocked('this is not a host name')
  const family = type === 'A' ? 4 : type === 'AAAA' ? 6 : undefined
  const special = specialName(name, family)
  if (special !== undefined) return special
  const verdict = deps.decide(name)
  if (verdict.verdict === 'deny') return refused(verdict, EXTENDED_ERROR.filtered)
  if (family === undefined) return empty(verdict)
  try {
    const found = await deps.lookup.lookup(name, family)
    if (found === 'no-such-name') return { rcode: RCODE.noSuchName, verdict, outcome: 'no-such-name' }
    return judged(name, found, family, verdict, deps)
  } catch (error) {
    return failed(verdict, error)
  }
}

/** RFC 6761, RFC 7686: names that mean the machine itself, or that no server may be asked for. */
function specialName(name: string, family: 4 | 6 | undefined): Finding | undefined {
  const last = name.slice(name.lastIndexOf('.') + 1)
  if (last === 'onion' || last === 'invalid')
    return { rcode: RCODE.noSuchName, verdict: denied(`no name ends in .${last}`), outcome: 'no-such-name' }
  if (last !== 'localhost') return undefined
  const verdict: NetworkVerdict = { verdict: 'allow', rule: null, reason: 'localhost is the sandbox itself' }
  if (family === undefined) return empty(verdict)
  const addresses = [parseAddress(family === 4 ? '127.0.0.1' : '::1')].filter((address) => address !== undefined)
  return { rcode: RCODE.noError, addresses, ttlSeconds: LOCAL_TTL_SECONDS, verdict, outcome: 'answered' }
}

/** The owner of the name chose these addresses. */
function judged(name: string, found: LookedUp, family: 4 | 6, verdict: NetworkVerdict, deps: QuestionDeps): Finding {
  const parsed = [...new Set(found.addresses)].map(parseAddress)
  const ofFamily = parsed.filter((address) => address !== undefined).filter((address) => address.family === family)
  const addresses = ofFamily.filter((address) => deps.mayAnswer(name, address)).slice(0, MAX_ADDRESSES)
  if (addresses.length > 0)
    return {
      rcode: RCODE.noError,
      addresses,
      ttlSeconds: clampTtl(found.ttlMs),
      verdict,
      outcome: 'answered',
      isRemote: true,
    }
  return ofFamily.length > 0 ? blocked('it has only private addresses') : empty(verdict)
}

/** NaN becomes the shortest. */
function clampTtl(ttlMs: number): number {
  const seconds = Math.floor(ttlMs / 1000)
  return seconds > SHORTEST_TTL_SECONDS ? Math.min(seconds, LONGEST_TTL_SECONDS) : SHORTEST_TTL_SECONDS
}

function empty(verdict: NetworkVerdict): Finding {
  return { rcode: RCODE.noError, verdict, outcome: 'empty' }
}

function refused(verdict: NetworkVerdict, code: 15 | 17): Finding {
  const rcode: Rcode = RCODE.refused
  return { rcode, extendedError: { code, text: verdict.reason }, verdict, outcome: 'refused' }
}

/** By a guard, not by a rule of the sandbox's owner. */
function blocked(reason: string): Finding {
  return refused(denied(reason), EXTENDED_ERROR.blocked)
}

function denied(reason: string): NetworkVerdict {
  return { verdict: 'deny', rule: null, reason }
}

/** Messages of the host's resolver may name its servers; only the code goes inside. */
function failed(verdict: NetworkVerdict, error: unknown): Finding {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const isSilence = code === 'ETIMEOUT' || code === 'ECONNREFUSED'
  const known = /^E[A-Z_]{2,20}$/.test(code) ? ` (${code})` : ''
  const extendedError = {
    code: isSilence ? EXTENDED_ERROR.noReachableAuthority : EXTENDED_ERROR.networkError,
    text: `the host could not look it up${known}`,
  }
  return { rcode: RCODE.serverFailure, extendedError, verdict, outcome: 'failed' }
}
