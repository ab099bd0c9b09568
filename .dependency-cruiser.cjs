// SPDX-License-Identifier: Apache-2.0
// The law of imports. A folder may import what is allowed here and nothing else of ours;
// a new driver or gateway needs no new rule.

const FILES_AND_PROCESSES = '^(node:)?(child_process|fs|fs/promises|worker_threads|cluster|inspector|repl)$'
const SOCKETS = '^(node:)?(net|dgram)$'
/** Code of the product, as opposed to what builds, tests or measures it. */
const PRODUCT = '^(protocol|core|drivers|images|server|gateways|sdk|cli|mcp|acp|console)/'
/** The product without its clients. */
const BEHIND_CLIENTS = '^(core|drivers|images|server|gateways)/'
/** Tests and tools beside the code of a package; they run on a developer's machine only. */
const NOT_SHIPPED = '\\.test\\.ts$|/(tools|test)/'

/** What code below `folder` may import of ours besides itself. */
function mayImport(folder, allowed, why) {
  const own = `^${folder}/`
  return {
    name: `${folder.replaceAll(/[^a-z]+/g, '-').replaceAll(/^-|-$/g, '')}-imports`,
    comment: why,
    severity: 'error',
    from: { path: own },
    to: {
      path: '^(protocol|core|drivers|images|server|gateways|sdk|cli|mcp|acp|console|tests|bench|tools|examples)/',
      pathNot: [own, ...allowed.map((name) => `^${name}/`)],
    },
  }
}

module.exports = {
  forbidden: [
    mayImport('protocol', [], 'the contract imports nothing of ours'),
    mayImport('core', ['protocol'], 'the domain knows only the contract'),
    mayImport('images', ['core', 'protocol'], 'images know the ports of the core and the contract'),
    mayImport('sdk', ['protocol'], 'clients are built from the contract alone'),
    mayImport('cli', ['sdk', 'protocol'], 'the command line is a client of the SDK'),
    mayImport('examples', ['sdk', 'protocol'], 'examples show what a user can write'),
    mayImport(
      'server',
      ['core', 'protocol', 'drivers', 'gateways', 'images'],
      'the server knows the core, the contract and, in main.ts, what it is composed of',
    ),
    mayImport('tools', ['protocol'], 'tools of the repository work on files, not on the product'),
    {
      name: 'drivers-imports',
      comment: 'a driver knows the ports of the core and the contract, never another driver',
      severity: 'error',
      from: { path: '^(drivers|gateways)/([^/]+)/' },
      to: {
        path: '^(protocol|core|drivers|images|server|gateways|sdk|cli|mcp|acp|console|tests|bench|tools|examples)/',
        pathNot: ['^$1/$2/', '^core/', '^protocol/'],
      },
    },
    {
      name: 'only-main-names-drivers',
      comment: 'server/src/main.ts is the composition root: the only file that names drivers, gateways and images',
      severity: 'error',
      from: { path: '^server/', pathNot: `^server/src/main\\.ts$|${NOT_SHIPPED}` },
      to: { path: '^(drivers|gateways|images)/' },
    },
    {
      name: 'only-host-files-touch-the-host',
      comment: 'processes and raw files are touched only in *.host.ts, where review looks',
      severity: 'error',
      from: { path: BEHIND_CLIENTS, pathNot: `\\.host\\.ts$|^server/bin/|${NOT_SHIPPED}` },
      to: { path: FILES_AND_PROCESSES, dependencyTypes: ['core'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'only-host-files-open-sockets',
      comment:
        'the launcher and the agents are reached only from *.host.ts; sockets of clients belong to server/src/http',
      severity: 'error',
      from: { path: BEHIND_CLIENTS, pathNot: `\\.host\\.ts$|^server/src/http/|${NOT_SHIPPED}` },
      to: { path: SOCKETS, dependencyTypes: ['core'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'only-host-files-start-processes',
      comment: 'clients read and write files, but start a process only in *.host.ts',
      severity: 'error',
      from: { path: PRODUCT, pathNot: `\\.host\\.ts$|${NOT_SHIPPED}|^(cli|server)/bin/` },
      to: {
        path: '^(node:)?(child_process|worker_threads|cluster)$',
        dependencyTypes: ['core'],
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'contract-and-domain-are-neutral',
      comment: 'the contract runs anywhere and the domain does no input or output: crypto is all they take of Node',
      severity: 'error',
      from: { path: '^(protocol|core)/src/', pathNot: NOT_SHIPPED },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?(crypto|timers/promises)$' },
    },
    {
      name: 'nobody-imports-tests-or-bench',
      comment: 'what tests and measures the product is no part of it',
      severity: 'error',
      from: { pathNot: '^(tests|bench)/' },
      to: { path: '^(tests|bench)/' },
    },
    {
      name: 'no-cycles',
      comment: 'two files that need each other are one thing, or a third one is missing',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'resolvable',
      comment: 'an import that nothing answers to',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'declared',
      comment: 'a package imports what its own package.json names, and ships nothing that only development has',
      severity: 'error',
      from: { path: PRODUCT, pathNot: NOT_SHIPPED },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'npm-dev'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '/dist/|^guest/target/' },
    tsPreCompilationDeps: true,
    combinedDependencies: false,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['@isola/source', 'import', 'node', 'default', 'types'],
      extensions: ['.ts', '.mjs', '.js', '.cjs', '.json', '.d.ts'],
    },
  },
}
