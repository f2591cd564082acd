// Jest runs CommonJS; test/support/transform.cjs makes it out of everything that is not, also below node_modules.
const common = {
  testEnvironment: 'node',
  transform: { '\\.([cm]?js|ts|sh)$': '<rootDir>/test/support/transform.cjs' },
  transformIgnorePatterns: [],
  // Below execa; its exports know only `import`, which Jest does not ask for.
  moduleNameMapper: { '^unicorn-magic$': '<rootDir>/node_modules/unicorn-magic/node.js' },
  modulePathIgnorePatterns: ['<rootDir>/dist/'],
}

export default {
  maxWorkers: 2, // the kernel tests measure time
  testTimeout: 60_000, // Jest knows it only here, for both projects
  projects: [
    {
      ...common,
      displayName: { name: 'unit', color: 'cyan' },
      testMatch: ['<rootDir>/test/**/*.test.ts'],
      testPathIgnorePatterns: ['<rootDir>/test/kernel/'],
    },
    {
      ...common,
      displayName: { name: 'kernel', color: 'magenta' },
      testMatch: ['<rootDir>/test/kernel/**/*.test.ts'],
    },
  ],
}
