// What the compiler does not see: the directions in which the parts may import each other, and the rules of the house.
import tseslint from 'typescript-eslint'

/** The parts of src that a part may import besides itself. src/cli.ts and src/commands may import everything. */
const mayImport = {
  model: [],
  firewall: ['model'],
  kinds: ['model', 'firewall'],
  host: ['model'],
  backend: ['model', 'kinds', 'host'],
  language: ['model', 'firewall', 'kinds'],
  observe: ['model', 'firewall', 'kinds'],
  plan: ['model', 'kinds'],
  run: ['model', 'host', 'backend'],
  views: ['model', 'firewall', 'kinds', 'backend'],
  checks: ['model', 'observe', 'host', 'backend'],
}

/** Import, re-export and lazy import of whatever matches. */
const importing = (pattern) =>
  `:matches(ImportDeclaration, ExportNamedDeclaration, ExportAllDeclaration, ImportExpression)[source.value=/${pattern}/]`

const source = [
  { selector: 'ExportDefaultDeclaration', message: 'A name that is exported is the same everywhere.' },
  { selector: 'MetaProperty', message: 'The bundle is one CommonJS file: there is no import.meta.' },
  {
    selector: 'ClassDeclaration:not([superClass.name=/Error$/])',
    message: 'Functions over plain data; classes are for errors.',
  },
  { selector: importing('^\\.(?!.*\\.(ts|cjs|json|sh)$)'), message: 'Write the extension: ./plan.ts' },
]

const anyPart = `((${[...Object.keys(mayImport), 'commands'].join('|')})\\u002F|cli\\.ts$)`

/** Imports in src/PART are `./x`, `../PART/x`, or deeper in the part `../../PART/x`. */
const directions = Object.entries(mayImport).map(([part, others]) => ({
  files: [`src/${part}/**/*.ts`],
  rules: {
    'no-restricted-syntax': [
      'error',
      ...source,
      {
        selector: importing(`^(\\.\\.\\u002F)+(?=${anyPart})(?!(${[part, ...others].join('|')})\\u002F)`),
        message: `src/${part} imports ${others.length === 0 ? 'no other part' : `only ${others.join(' and ')}`}.`,
      },
    ],
  },
}))

const noLeftovers = ['describe', 'it', 'test'].flatMap((object) =>
  ['only', 'skip', 'todo'].map((property) => ({ object, property, message: 'Every test runs, always.' })),
)

export default tseslint.config(
  { ignores: ['dist/', 'coverage/', '**/*.generated.*', 'test/fixtures/', 'test/plans/'] },
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      eqeqeq: 'error',
      'no-console': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      // The table of kinds holds kinds of any settings.
      '@typescript-eslint/no-explicit-any': 'off',
      // Nothing is gained by `async` functions having to wait for something: it also makes throwing uniform.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', ignoreRestSiblings: true }],
      // What lab files and the kernel say is unknown to the compiler, and has been checked by schema or is ours.
      '@typescript-eslint/no-base-to-string': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      'max-lines': ['error', 300],
      'no-restricted-syntax': ['error', ...source],
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'exit', message: 'Only src/cli.ts ends the process.' },
      ],
    },
  },
  { files: ['src/cli.ts'], rules: { 'no-restricted-properties': 'off' } },
  ...directions,
  {
    files: ['test/**/*.ts'],
    rules: {
      'no-restricted-properties': ['error', ...noLeftovers],
      'no-restricted-globals': ['error', 'fdescribe', 'fit', 'ftest', 'xdescribe', 'xit', 'xtest'],
      // Tests look into what programs print.
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },
  {
    files: ['**/*.{js,cjs,mjs}'],
    extends: [tseslint.configs.disableTypeChecked],
    rules: { 'no-console': 'off', '@typescript-eslint/no-require-imports': 'off' },
  },
)
