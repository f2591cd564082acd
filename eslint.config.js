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
  observe: ['model', 'firewall', 'kinds', 'host'],
  import: ['model', 'kinds', 'language', 'host', 'observe'],
  plan: ['model', 'kinds'],
  faults: ['model', 'kinds', 'observe', 'plan'],
  run: ['model', 'host', 'backend'],
  views: ['model', 'firewall', 'kinds', 'backend'],
  checks: ['model', 'observe', 'host', 'backend'],
  walk: ['model', 'observe', 'backend', 'checks'],
  reach: ['model', 'host', 'backend', 'checks'],
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
  {
    selector: 'ImportExpression[source.value=/^node:/]',
    message: 'The bundle is no module that Node knows, and cannot import one: createRequire(__filename)(…).',
  },
  { selector: importing('^\\.(?!.*\\.(ts|cjs|json|sh|browser\\.js)$)'), message: 'Write the extension: ./plan.ts' },
]

/** There is one way to a machine, so that another machine can take its place: src/model/host.ts. Types reach nothing. */
const world = {
  selector:
    ':matches(ImportDeclaration, ExportNamedDeclaration, ExportAllDeclaration, ImportExpression, ' +
    'CallExpression[callee.callee.name="createRequire"] > Literal)' +
    ':matches([source.value=/WORLD/], [value=/WORLD/]):not([importKind="type"])'.replaceAll(
      'WORLD',
      '^((node:)?(fs|child_process|net|dgram)(\\u002F.*)?|execa)$',
    ),
  message: 'Only src/host reaches files, programs and sockets: ask the Host that you were given (src/model/host.ts).',
}

/** The host is chosen once, when the program starts; everything else is given it. */
const chosen = {
  selector: importing('\\u002F(this-machine\\.ts|sandbox\\u002F|local\\u002F)'),
  message: 'Only src/main.ts chooses the host: take one as a parameter, or from the runner.',
}

/** The files that reach the machine without a Host, and why each cannot be given one. */
const ownWay = [
  // It loads the program, so it runs before there is a Host.
  'src/start.ts',
  // It unpacks the program.
  'src/binary.ts',
  // It runs in a worker thread too, which has no Host, and reads /proc and /run/netns of the thread that it is in.
  'src/backend/netlink/libc.ts',
  // It reads the counters of the namespace that the thread is in.
  'src/walk/counters.ts',
  // A program of its own that runs inside a namespace: opening sockets there is its purpose.
  'src/checks/agent.ts',
  // A program of its own inside a namespace as well. It never returns to the event loop, so its output must be written synchronously.
  'src/checks/sniff.ts',
  // Lab files, and the file that remembers them, are where netlab is typed, whatever machine the lab is on.
  'src/commands/locate.ts',
  // Files that a lab names are read there, and saved plans and reports of checks written, as well.
  'src/commands/own-files.ts',
  // And the files beside a lab file, on disk and in the revisions of a git repository.
  'src/commands/beside.ts',
  'src/commands/git-files.ts',
]

const anyPart = `((${[...Object.keys(mayImport), 'commands'].join('|')})\\u002F|cli\\.ts$)`

/** Imports in src/PART are `./x`, `../PART/x`, or deeper in the part `../../PART/x`. */
const directionsOf = (part, others, files, rules) => ({
  files,
  rules: {
    'no-restricted-syntax': [
      'error',
      ...rules,
      {
        selector: importing(`^(\\.\\.\\u002F)+(?=${anyPart})(?!(${[part, ...others].join('|')})\\u002F)`),
        message: `src/${part} imports ${others.length === 0 ? 'no other part' : `only ${others.join(' and ')}`}.`,
      },
    ],
  },
})

const directions = Object.entries(mayImport).flatMap(([part, others]) => [
  directionsOf(part, others, [`src/${part}/**/*.ts`], part === 'host' ? source : [...source, world, chosen]),
  ...ownWay
    .filter((file) => file.startsWith(`src/${part}/`))
    .map((file) => directionsOf(part, others, [file], [...source, chosen])),
])

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
      // What few runs need is loaded on demand; some of it by functions that cannot wait.
      '@typescript-eslint/no-require-imports': ['error', { allow: ['/load-lab\\.ts$', '/shape-errors\\.ts$'] }],
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
      'no-restricted-syntax': ['error', ...source, world, chosen],
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'exit', message: 'Only src/cli.ts and src/host/leave.ts end it.' },
      ],
    },
  },
  { files: ['src/cli.ts', 'src/host/leave.ts'], rules: { 'no-restricted-properties': 'off' } },
  { files: ownWay, rules: { 'no-restricted-syntax': ['error', ...source, chosen] } },
  // The package's own entry starts without a command: it chooses the host too.
  { files: ['src/main.ts', 'src/api.ts'], rules: { 'no-restricted-syntax': ['error', ...source, world] } },
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
