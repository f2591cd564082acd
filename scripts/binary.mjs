// `npm run build:binary [FILE]`: writes build/netlab, or FILE: one program with node, koffi and all files of the package in it.
// https://nodejs.org/docs/latest-v20.x/api/single-executable-applications.html
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import esbuild from 'esbuild'
import { inject } from 'postject'

const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2'

const target = resolve(process.argv[2] ?? join(dirname(fileURLToPath(import.meta.url)), '../build/netlab'))
process.chdir(resolve(dirname(fileURLToPath(import.meta.url)), '..'))

if (!readFileSync(process.execPath).includes(FUSE)) {
  console.error(`build:binary: ${process.execPath} has no room for a program (no ${FUSE}); use a node from nodejs.org`)
  process.exit(1)
}

/** The files of npm's package, and what Node loads of koffi. */
function files() {
  const [{ files: packed }] = JSON.parse(
    execFileSync('npm', ['pack', '--ignore-scripts', '--dry-run', '--json', '--silent']),
  )
  const native = ['koffi', '@koromix']
    .map((name) => join('node_modules', name))
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder, { recursive: true }).map((file) => join(folder, file)))
    .filter((file) => /\.(c?js|node|json)$/.test(file))
  return [...packed.map(({ path }) => path), ...native]
}

const folder = mkdtempSync(join(tmpdir(), 'netlab-'))
try {
  const names = files()
  const hash = createHash('sha256')
  for (const name of names) hash.update(`${name}\0`).update(readFileSync(name))
  writeFileSync(join(folder, 'index'), JSON.stringify({ id: hash.digest('hex'), files: names }))
  await esbuild.build({
    entryPoints: ['src/binary.ts'],
    bundle: true,
    platform: 'node',
    target: 'node20',
    outfile: join(folder, 'main.cjs'),
    logLevel: 'error',
  })
  const config = {
    main: join(folder, 'main.cjs'),
    output: join(folder, 'blob'),
    disableExperimentalSEAWarning: true,
    assets: { index: join(folder, 'index'), ...Object.fromEntries(names.map((name) => [name, resolve(name)])) },
  }
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config))
  execFileSync(process.execPath, ['--experimental-sea-config', join(folder, 'config.json')], { stdio: 'pipe' })
  const program = join(folder, 'netlab')
  copyFileSync(process.execPath, program)
  await inject(program, 'NODE_SEA_BLOB', readFileSync(config.output), { sentinelFuse: FUSE })
  chmodSync(program, 0o755)
  mkdirSync(dirname(target), { recursive: true })
  const partial = `${target}.${process.pid}`
  copyFileSync(program, partial)
  renameSync(partial, target)
  console.error(`build:binary: ${relative('', target)}`)
} finally {
  rmSync(folder, { recursive: true })
}
