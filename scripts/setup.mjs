// Makes a fresh checkout ready to run: npm packages, system packages, dist/. Uses only modules of Node. When nothing is missing,
// it prints nothing and takes no time. `--no-system`, for npm's `prepare`, installs no system packages.
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, readFileSync, readdirSync, realpathSync, statSync } from 'node:fs'
import { basename, delimiter, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

process.chdir(resolve(dirname(fileURLToPath(import.meta.url)), '..'))

function fail(message) {
  console.error(message)
  process.exit(1)
}

/** Runs a program, and shows its output only if it fails. */
function run(argv, env = {}) {
  const { status, error, stdout, stderr } = spawnSync(argv[0], argv.slice(1), {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    maxBuffer: Infinity,
  })
  if (status !== 0)
    fail(`${stdout ?? ''}${stderr ?? ''}setup: ${argv.join(' ')}: ${error?.message ?? `exit code ${status}`}`)
}

const read = (path) => JSON.parse(readFileSync(path, 'utf8')).packages

/** Whether node_modules has the packages of package-lock.json, except those that are optional on this platform. */
function installed() {
  const record = 'node_modules/.package-lock.json'
  if (!existsSync(record)) return false
  const present = read(record)
  return Object.entries(read('package-lock.json')).every(
    ([path, wanted]) => path === '' || wanted.optional || present[path]?.version === wanted.version,
  )
}

/** The system packages that netlab and its tests need, by a program of each; `others` where the name differs. */
const needed = [
  { programs: ['ip', 'tc', 'bridge'], package: 'iproute2', others: { dnf: 'iproute iproute-tc' } },
  { programs: ['nft'], package: 'nftables' },
  { programs: ['iptables', 'iptables-restore', 'ip6tables'], package: 'iptables', others: { dnf: 'iptables-nft' } },
  { programs: ['ipset'], package: 'ipset' },
  { programs: ['ping'], package: 'iputils-ping', others: { dnf: 'iputils', pacman: 'iputils' } },
  {
    programs: ['ps', 'sysctl'],
    package: 'procps',
    others: { dnf: 'procps-ng', apk: 'procps-ng', pacman: 'procps-ng' },
  },
  { programs: ['unshare', 'nsenter'], package: 'util-linux', others: { apk: 'util-linux-misc' } },
  { programs: ['mount'], package: 'mount', others: { dnf: 'util-linux', apk: 'mount', pacman: 'util-linux' } },
]

const managers = {
  'apt-get': ['apt-get', 'install', '-y', '--no-install-recommends'],
  dnf: ['dnf', 'install', '-y'],
  apk: ['apk', 'add'],
  pacman: ['pacman', '-S', '--noconfirm', '--needed'],
}

// An ordinary user's PATH often lacks the sbin folders that these programs live in.
const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin']

function find(program) {
  return folders
    .map((folder) => join(folder, program))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK)
        return basename(realpathSync(path)) !== 'busybox' // its ip has no JSON, its unshare no --kill-child
      } catch {
        return false
      }
    })
}

function installSystemPackages() {
  const missing = needed.filter(({ programs }) => !programs.every(find))
  if (missing.length === 0) return
  const manager = Object.keys(managers).find(find)
  const packages = missing.flatMap((need) => (need.others?.[manager] ?? need.package).split(' '))
  if (!manager) fail(`setup: these programs are missing; install them first: ${packages.join(' ')}`)
  const command = [...managers[manager], ...new Set(packages)]
  const root = process.getuid() === 0
  const become = root ? [] : ['sudo', '-n']
  if (!root && spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status !== 0)
    fail(`setup: these packages are missing; install them with\n\n  sudo ${command.join(' ')}\n`)
  console.error(`setup: installing ${[...new Set(packages)].join(' ')}`)
  if (manager === 'apt-get') run([...become, 'apt-get', 'update', '-q'])
  run([...become, ...(manager === 'apt-get' ? ['env', 'DEBIAN_FRONTEND=noninteractive'] : []), ...command])
}

/** The latest modification time of these files and folders, with everything below them. */
function newest(paths) {
  return Math.max(
    ...paths.map((path) => {
      const stat = statSync(path)
      // Removing a file changes the time of its folder.
      const below = stat.isDirectory() ? newest(readdirSync(path).map((name) => join(path, name))) : 0
      return Math.max(stat.mtimeMs, below)
    }),
  )
}

function build() {
  const output = 'dist/netlab.cjs'
  const generated = ['dist/program.cjs', 'schemas/lab.schema.json', 'src/language/validator.generated.cjs']
  const sources = ['src', 'schemas', 'package.json', 'package-lock.json', 'scripts/build.mjs']
  const complete = [output, ...generated].every((path) => existsSync(path))
  if (complete && newest(sources) <= statSync(output).mtimeMs) return
  run([process.execPath, 'scripts/build.mjs'])
}

if (Number(process.versions.node.split('.')[0]) < 20)
  fail(`setup: netlab needs Node 20 or newer; this is ${process.version}`)
if (!installed()) {
  console.error('setup: installing npm packages')
  // In `prepare` of `npm install -g .`, npm inherits --global, which would install the build tools globally too.
  const here = ['--location=project', '--global=false', '--include=dev', '--ignore-scripts']
  run(['npm', 'ci', ...here, '--no-audit', '--no-fund', '--loglevel=error'], { NODE_ENV: '' })
}
if (!process.argv.includes('--no-system')) installSystemPackages()
build()
