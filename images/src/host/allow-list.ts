// SPDX-License-Identifier: Apache-2.0

/**
 * What of the host's /etc a sandbox sees: nothing but these names, and of them only what everybody
 * on the host may read. Files that may hold credentials (environment, apt's own configuration,
 * gitconfig, wgetrc, profile, ssh, shadow) are absent on purpose; what OWN_FILES and the accounts name is
 * written anew.
 */
export const ETC_ALLOW_LIST = [
  'alternatives',
  'apt/keyrings',
  'apt/trusted.gpg.d',
  'bash_completion',
  'ca-certificates',
  'ca-certificates.conf',
  'debian_version',
  'default/locale',
  'dpkg/dpkg.cfg',
  'dpkg/origins',
  'fonts',
  'gai.conf',
  'gprofng.rc',
  'host.conf',
  'inputrc',
  'issue',
  'java',
  'java-11-openjdk',
  'java-17-openjdk',
  'java-21-openjdk',
  'ld.so.cache',
  'ld.so.conf',
  'ld.so.conf.d',
  'libaudit.conf',
  'locale.alias',
  'locale.gen',
  'localtime',
  'login.defs',
  'lsb-release',
  'magic',
  'magic.mime',
  'mime.types',
  'networks',
  'nsswitch.conf',
  'os-release',
  'pam.conf',
  'pam.d',
  'protocols',
  'python2.7',
  'python3',
  'python3.11',
  'python3.12',
  'python3.13',
  'redhat-release',
  'rpc',
  'security/limits.conf',
  'security/pam_env.conf',
  'services',
  'shells',
  'skel',
  'ssl/certs',
  'ssl/openssl.cnf',
  'terminfo',
  'timezone',
  'xattr.conf',
] as const

/** Empty directories that programs and package scripts expect, with their modes. */
export const DIRECTORIES: Readonly<Record<string, number>> = {
  etc: 0o755,
  'etc/apt/apt.conf.d': 0o755,
  'etc/apt/preferences.d': 0o755,
  'etc/apt/sources.list.d': 0o755,
  'etc/dpkg/dpkg.cfg.d': 0o755,
  'etc/default': 0o755,
  'etc/profile.d': 0o755,
  'etc/cron.daily': 0o755,
  home: 0o755,
  'home/user': 0o755,
  media: 0o755,
  mnt: 0o755,
  opt: 0o755,
  srv: 0o755,
  proc: 0o555,
  sys: 0o555,
  dev: 0o755,
  run: 0o755,
  usr: 0o755,
  tmp: 0o1777,
  'var/tmp': 0o1777,
  'var/log': 0o755,
  'var/log/apt': 0o755,
  'var/mail': 0o755,
  'var/spool': 0o755,
  'var/cache/apt/archives/partial': 0o755,
  'var/cache/debconf': 0o755,
  'var/cache/ldconfig': 0o755,
  'var/lib/apt/lists/partial': 0o755,
  'var/lib/dpkg': 0o755,
  'var/lib/misc': 0o755,
}

/** Links that make a merged /usr look like the host's. */
export const USR_LINKS = ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32'] as const

/** Parts of the package database that `dpkg` needs; locks and journals are not copied. */
export const DPKG_DATABASE = ['alternatives', 'arch', 'diversions', 'info', 'parts', 'statoverride', 'status'] as const

/** Beside them lies a lock that only root may read. */
export const DPKG_TRIGGERS = ['triggers/File', 'triggers/Unincorp'] as const

const HOSTS = `127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
`

/** Where the relay listens for questions; without a policy there is no way there, and look-ups fail at once. */
const RESOLV_CONF = `# Isola's resolver: answers what the sandbox's policy allows
nameserver 198.18.0.53
options edns0
`

/** PATH comes with each process; a login shell must not replace it. */
const PROFILE = `for file in /etc/profile.d/*.sh; do [ -r "$file" ] && . "$file"; done
unset file
[ -n "$BASH_VERSION" ] && [ -r /etc/bash.bashrc ] && . /etc/bash.bashrc
:
`

const BASHRC = `case $- in *i*) PS1='\\u@\\h:\\w\\$ ' ;; esac
`

/** Files below /etc that are Isola's own. */
export const OWN_FILES: Readonly<Record<string, string>> = {
  hosts: HOSTS,
  'resolv.conf': RESOLV_CONF,
  profile: PROFILE,
  'bash.bashrc': BASHRC,
}
