// SPDX-License-Identifier: Apache-2.0

const USER = 'user'
const USER_ID = 1000
const NOBODY_ID = 65534

interface Account {
  readonly name: string
  readonly id: number
}

/** First three fields of a passwd or group line, when they are sane. */
function parseAccount(line: string): (Account & { fields: string[] }) | undefined {
  const fields = line.split(':')
  const [name = '', , id = ''] = fields
  if (!/^[a-z_][a-z0-9_.-]*\$?$/.test(name) || !/^\d+$/.test(id)) return undefined
  return { name, id: Number(id), fields }
}

/** System accounts of the host, so that packages find the owners of their files. People are left out. */
const isSystem = ({ name, id }: Account): boolean => id > 0 && id < USER_ID && name !== USER && name !== 'root'

/** /etc/passwd inside: root, `user`, nobody, and the host's system accounts without their comments. */
export function sandboxPasswd(hostPasswd: string): string {
  const system = hostPasswd
    .split('\n')
    .map(parseAccount)
    .filter((account) => account !== undefined && isSystem(account))
  return [
    'root:x:0:0:root:/root:/bin/bash',
    ...system.map((account) => {
      const [name, , id, group = id, , home = '/', shell = '/usr/sbin/nologin'] = account?.fields ?? []
      return `${name}:x:${id}:${group}::${home}:${shell}`
    }),
    `${USER}:x:${USER_ID}:${USER_ID}::/home/${USER}:/bin/bash`,
    `nobody:x:${NOBODY_ID}:${NOBODY_ID}:nobody:/nonexistent:/usr/sbin/nologin`,
    '',
  ].join('\n')
}

/** /etc/group inside; nobody of the host is a member of anything. */
export function sandboxGroup(hostGroup: string): string {
  const system = hostGroup
    .split('\n')
    .map(parseAccount)
    .filter((group) => group !== undefined && isSystem(group))
  return [
    'root:x:0:',
    ...system.map((group) => `${group?.name}:x:${group?.id}:`),
    `${USER}:x:${USER_ID}:`,
    `nogroup:x:${NOBODY_ID}:`,
    '',
  ].join('\n')
}

/** /etc/shadow inside: every password is locked. */
export function sandboxShadow(passwd: string): string {
  const names = passwd
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split(':', 1)[0])
  return `${names.map((name) => `${name}:*:1:0:99999:7:::`).join('\n')}\n`
}
