// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { describe, expect } from 'vitest'
import { isRoot } from '../support/account.ts'
import { onHost } from '../support/on-host.ts'
import { TemporaryDirectory } from '../support/temporary-directory.ts'
import { HOST_SECRET } from '../support/isola-server.ts'
import { onEachDriver } from '../support/world.ts'
import { attack } from './attacker.ts'
import { CLOSED, DENIED } from './outcomes.ts'

/** What may lie in the root of a sandbox; everything there is made for it. */
const SKELETON = [
  'bin',
  'dev',
  'etc',
  'home',
  'lib',
  'lib32',
  'lib64',
  'libx32',
  'media',
  'mnt',
  'opt',
  'proc',
  'root',
  'run',
  'sbin',
  'srv',
  'sys',
  'tmp',
  'usr',
  'var',
]
const digest = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex')

describe('files of the host', () => {
  onEachDriver((world) => {
    attack(world, 'reading a file of the host by its path', {}, async (attacker) => {
      using directory = new TemporaryDirectory()
      writeFileSync(directory.join('open'), HOST_SECRET, { mode: 0o644 })
      const result = await attacker.sandbox.run(
        `cat ${directory.join('open')}; cat ${directory.path}/../..${directory.join('open')}`,
        { user: attacker.user },
      )
      expect(result).toMatchObject({ exitCode: 1, stdout: '' })
      expect(result.stderr).toContain('No such file or directory')
    })

    attack(world, 'looking around in the root directory', {}, async (attacker) => {
      const names = (await attacker.sandbox.read('ls -A /', { user: attacker.user })).split('\n')
      // The interpreters of the caller lie at their own paths; then only the way to them is there.
      const beyond = names.filter((name) => !SKELETON.includes(name))
      for (const name of beyond) {
        const listing = await attacker.sandbox.run(`find /${name} -maxdepth 1 -type f | head -1`, { user: 'user' })
        expect(listing.stdout, `/${name}`).toBe('')
      }
      expect(names).toContain('usr')
    })

    attack(world, 'secrets at their usual places', {}, async (attacker) => {
      const places = [
        '/etc/shadow',
        '/etc/gshadow',
        '/etc/sudoers',
        '/etc/ssl/private',
        '/etc/ssh/ssh_host_rsa_key',
        '/etc/ssh/ssh_host_ed25519_key',
        '/etc/krb5.keytab',
        '/root/.ssh',
        '/root/.aws',
        '/root/.npmrc',
        '/root/.bash_history',
        '/home/user/.ssh',
        '/var/lib/docker',
        '/var/log/auth.log',
        '/run/secrets',
        '/boot',
        '/var/spool/cron',
      ]
      const found = await attacker.runs(`
for path in ${JSON.stringify(places)}:
    try:
        content = " ".join(os.listdir(path)) if os.path.isdir(path) else open(path).read()
    except OSError:
        content = ""
    print(json.dumps([path, content]))
`)
      const contents = Object.fromEntries(
        found.stdout
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as [string, string]),
      )
      const shadow = contents['/etc/shadow'] ?? ''
      if (attacker.user === 'user') expect(shadow).toBe('')
      // Root inside sees a file of its own, in which nobody has a password.
      for (const line of shadow.split('\n').filter((row) => row !== '')) expect(line.split(':')[1]).toMatch(/^[!*]/)
      const rest = places.filter((place) => !['/etc/shadow', '/etc/gshadow'].includes(place))
      expect(rest.filter((place) => contents[place] !== '').map((place) => `${place}: ${contents[place]}`)).toEqual([])
    })

    attack(world, 'home directories and accounts of people', {}, async (attacker) => {
      expect(await attacker.sandbox.read('ls -A /home', { user: attacker.user })).toBe('user')
      const accounts = (await attacker.sandbox.read('cat /etc/passwd', { user: attacker.user }))
        .split('\n')
        .map((line) => line.split(':'))
      expect(accounts.filter(([, , uid]) => Number(uid) >= 1000 && Number(uid) < 65_534).map(([name]) => name)).toEqual(
        ['user'],
      )
      expect(accounts.map(([name]) => name)).toContain('root')
    })

    attack(world, 'the environment of the server', {}, async (attacker) => {
      const seen = await attacker.runs(`
import glob
for path in glob.glob("/proc/[0-9]*/environ") + glob.glob("/proc/[0-9]*/cmdline"):
    try:
        sys.stdout.write(open(path, "rb").read().decode("latin1").replace("\\0", "\\n"))
    except OSError:
        pass
`)
      expect(seen.stdout).not.toContain(HOST_SECRET)
      expect(seen.stdout).not.toContain(world.server.directory)
      expect(seen.stdout).toContain('PATH=')
    })

    attack(world, 'files below /usr that only some may read', { as: ['root'] }, async (attacker) => {
      const closed = await onHost([
        'find',
        '/usr',
        '-xdev',
        '!',
        '-type',
        'l',
        '(',
        '-type',
        'f',
        '!',
        '-perm',
        '-o+r',
        '-o',
        '-type',
        'd',
        '!',
        '-perm',
        '-o+rx',
        ')',
      ])
      const paths = closed.stdout
        .trim()
        .split('\n')
        .filter((path) => path !== '')
        .slice(0, 50)
      const result = await attacker.runs(`
for path in ${JSON.stringify(paths)}:
    if opened(path, os.O_RDONLY) == "ok" or (os.path.isdir(path) and attempt(lambda: os.listdir(path)) == "ok"):
        print(path)
print("looked")
`)
      expect(result.stdout.trim().split('\n')).toEqual(['looked'])
    })

    attack(world, 'changing /usr of the host', { destructive: true }, async (attacker) => {
      const target = realpathSync('/usr/bin/env')
      const before = digest(target)
      const marker = `isola-was-here-${process.pid}`
      await attacker.sandbox.run(
        `echo x > /usr/bin/${marker}; echo overwritten > ${target}; rm -f ${target}; chmod 777 /usr; chown user /usr/lib; ln /usr/bin/true /tmp/hard && echo x >> /tmp/hard; timeout 2 mv /usr/share /usr/elsewhere`,
        { user: attacker.user },
      )
      expect(digest(target)).toBe(before)
      expect(existsSync(`/usr/bin/${marker}`)).toBe(false)
      expect(readdirSync('/usr')).toContain('share')
      expect((await onHost(['stat', '-c', '%a %u', '/usr', '/usr/lib'])).stdout).toMatch(/^755 0\n755 0\n$/)
      await using neighbour = await world.create()
      expect(await neighbour.read(`env echo whole; ls /usr/bin/${marker} 2>&1 | grep -c 'No such file'`)).toBe(
        'whole\n1',
      )
      // The control: root inside did change what it sees itself.
      if (attacker.user === 'root')
        expect(await attacker.sandbox.read(`cat /usr/bin/${marker}`, { user: 'root' })).toBe('x')
    })

    attack(world, 'writing through a private mapping of a file of the host', {}, async (attacker) => {
      const target = realpathSync('/usr/bin/true')
      const before = digest(target)
      await attacker.attempts(
        `
import mmap
with open("${target}", "rb") as file:
    mapping = mmap.mmap(file.fileno(), 4096, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_WRITE)
    libc_address = ctypes.addressof(ctypes.c_char.from_buffer(mapping))
    memory = os.open("/proc/self/mem", os.O_RDWR)
    os.lseek(memory, libc_address, os.SEEK_SET)
    report("own copy", attempt(lambda: os.write(memory, b"dirty")))
report("through the file", opened("${target}", os.O_RDWR) if os.getuid() else "EACCES")
`,
        { 'own copy': 'ok', 'through the file': CLOSED },
      )
      expect(digest(target)).toBe(before)
    })

    attack(world, 'links out of the sandbox', {}, async (attacker) => {
      await attacker.attempts(
        `
import tempfile
place = tempfile.mkdtemp()
for label, target in [("agent's root", "/proc/1/root/etc/shadow"), ("agent's directory", "/proc/1/cwd/etc/shadow"), ("spawner's root", "/proc/2/root/etc/shadow")]:
    path = os.path.join(place, label)
    os.symlink(target, path)
    result = opened(path, os.O_RDONLY)
    # Where root inside may follow, it ends at the sandbox's own file.
    report(label, "own file" if result == "ok" and open(path).read() == open("/etc/shadow").read() else result)
report("hard link", attempt(lambda: os.link("/proc/1/exe", place + "/agent")))
report("link to a descriptor", attempt(lambda: os.link("/proc/self/fd/0", place + "/zero", follow_symlinks=True)))
`,
        {
          "agent's root": [...CLOSED, 'own file'],
          "agent's directory": [...CLOSED, 'own file'],
          "spawner's root": [...CLOSED, 'own file'],
          'hard link': [...CLOSED, 'EXDEV'],
          'link to a descriptor': [...DENIED, 'EXDEV', 'ENOENT', 'EEXIST'],
        },
      )
    })
  })
})

describe('what this host has to hide', () => {
  onEachDriver((world) => {
    world.test('secrets that are there are not in the sandbox', async ({ skip }) => {
      if (!isRoot) skip('needs root to read them')
      const lines = readFileSync('/etc/shadow', 'utf8')
        .split('\n')
        .filter((line) => line !== '')
      const sandbox = await world.shared()
      const inside = await sandbox.run('cat /etc/shadow 2>/dev/null')
      for (const line of lines) expect(inside.stdout).not.toContain(line)
      expect(lines.length).toBeGreaterThan(0)
    })
  })
})
