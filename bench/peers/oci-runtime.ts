// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process'
import path from 'node:path'
import { nativeParticipant } from '../participants/native.ts'
import type { IsolationClass } from '../participants/participant.ts'
import type { Peer, PeerPlace } from '../participants/peer.ts'
import { makeBundle } from './oci-bundle.host.ts'
import { requireProgram } from './require-program.ts'

interface Runtime {
  readonly program: string
  readonly isolation: IsolationClass
  /** Before the subcommand. */
  readonly flags: readonly string[]
}

const runc: Runtime = { program: 'runc', isolation: 'OCI container', flags: [] }
const runsc: Runtime = {
  program: 'runsc',
  isolation: 'userspace kernel',
  flags: ['--platform=ptrace', '--network=none', '--ignore-cgroups'],
}

export const runcRun = createPeer(runc)
export const runscRun = createPeer(runsc)
export const runcExec = execPeer(runc)
export const runscExec = execPeer(runsc)

/** A container from nothing to its first output. */
function createPeer(runtime: Runtime): Peer {
  const name = `${runtime.program} run`
  return {
    name,
    isolation: runtime.isolation,
    start: async (place) => {
      const { program, state, bundle, setCommand } = prepare(runtime, place, 'create')
      return {
        ...nativeParticipant({
          name,
          isolation: runtime.isolation,
          program: place.limitProgram,
          command: (nonce) => {
            setCommand(['/usr/bin/echo', nonce])
            return [
              'spawn',
              program,
              ...runtime.flags,
              '--root',
              state,
              'run',
              '--bundle',
              bundle,
              `isola-bench-${nonce}`,
            ]
          },
          clock: 'firstByteNs',
          echoes: true,
        }),
      }
    },
  }
}

/** A command in a container that lives. */
function execPeer(runtime: Runtime): Peer {
  const name = `${runtime.program} exec`
  return {
    name,
    isolation: runtime.isolation,
    start: async (place) => {
      const { program, state, bundle, setCommand } = prepare(runtime, place, 'exec')
      const id = `isola-bench-exec-${process.pid}`
      const call = (...args: string[]): void =>
        void execFileSync(program, [...runtime.flags, '--root', state, ...args], {
          stdio: ['ignore', 'ignore', 'ignore'],
        })
      setCommand(['/usr/bin/sleep', '86400'])
      call('run', '--detach', '--bundle', bundle, id)
      return nativeParticipant({
        name,
        isolation: runtime.isolation,
        program: place.limitProgram,
        command: () => ['spawn', program, ...runtime.flags, '--root', state, 'exec', id, '/usr/bin/true'],
        clock: 'endNs',
        echoes: false,
        onClose: async () => call('delete', '--force', id),
      })
    },
  }
}

function prepare(
  runtime: Runtime,
  place: PeerPlace,
  use: string,
): { program: string; state: string; bundle: string; setCommand: (args: readonly string[]) => void } {
  const program = requireProgram(runtime.program)
  const bundle = path.join(place.scratch, `${runtime.program}-${use}`)
  return {
    program,
    state: path.join(place.scratch, `${runtime.program}-state`),
    bundle,
    setCommand: makeBundle(program, bundle),
  }
}
