// Makes a fresh checkout ready to run: system packages, npm packages, dist/. Uses only modules of Node. What cannot be had is
// found out before anything is installed. When nothing is missing, it prints nothing and takes no time.
// `--demo`: only the system packages that labs/router.yaml needs. `--no-system`, for npm's `prepack`: none. `--labs`: those whose
// daemons labs run, and a browser, too; a package starts its daemon on the machine itself, so this is for machines of CI.
import { spawn, spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, readFileSync, readdirSync, realpathSync, statSync } from 'node:fs'
import { basename, delimiter, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

process.chdir(resolve(dirname(fileURLToPath(import.meta.url)), '..'))

function fail(message) {
  console.error(message)
  process.exit(1)
}

/** Runs a program, says what it is for and how long it has taken, and shows its output only if it fails. */
async function run(purpose, argv, env = {}) {
  const began = Date.now()
  const terminal = process.stderr.isTTY
  const taken = () => `${Math.round((Date.now() - began) / 1000)} s`
  const say = () =>
    process.stderr.write(terminal ? `\rsetup: ${purpose}, ${taken()} ` : `setup: ${purpose}, ${taken()}\n`)
  process.stderr.write(terminal ? `setup: ${purpose}` : `setup: ${purpose}\n`)
  const clock = setInterval(say, terminal ? 1000 : 15_000)
  const child = spawn(argv[0], argv.slice(1), { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text))
  const problem = await new Promise((finish) => {
    child.once('error', (error) => finish(error.message))
    child.once('close', (code, signal) =>
      finish(code === 0 ? undefined : signal ? `ended by ${signal}` : `exit code ${code}`),
    )
  })
  clearInterval(clock)
  if (terminal) process.stderr.write('\n')
  if (problem) fail(`${output}setup: ${argv.join(' ')}: ${problem}`)
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

/** The system packages that netlab and its tests need, by a program of each; `others` where the name differs; `demo` if the demo needs it. */
const needed = [
  { programs: ['ip', 'tc', 'bridge'], package: 'iproute2', others: { dnf: 'iproute iproute-tc' }, demo: true },
  { programs: ['nft'], package: 'nftables' },
  { programs: ['iptables', 'iptables-restore', 'ip6tables'], package: 'iptables', others: { dnf: 'iptables-nft' } },
  { programs: ['ipset'], package: 'ipset' },
  { programs: ['ethtool'], package: 'ethtool' },
  { programs: ['git'], package: 'git' },
  { programs: ['shellcheck'], package: 'shellcheck', others: { dnf: 'ShellCheck' } },
  { programs: ['podman', 'runc'], package: 'podman runc' },
  {
    programs: ['ssh', 'sshd', 'ssh-keygen'],
    package: 'openssh-client openssh-server',
    others: { dnf: 'openssh-clients openssh-server', apk: 'openssh', pacman: 'openssh' },
  },
  // It reads what `netlab capture` wrote, and brings libpcap.
  { programs: ['tshark'], package: 'tshark', others: { dnf: 'wireshark-cli', pacman: 'wireshark-cli' } },
  { programs: ['ping'], package: 'iputils-ping', others: { dnf: 'iputils', pacman: 'iputils' }, demo: true },
  {
    programs: ['ps', 'sysctl'],
    package: 'procps',
    others: { dnf: 'procps-ng', apk: 'procps-ng', pacman: 'procps-ng' },
  },
  { programs: ['unshare', 'nsenter'], package: 'util-linux', others: { apk: 'util-linux-misc' }, demo: true },
  {
    programs: ['mount'],
    package: 'mount',
    others: { dnf: 'util-linux', apk: 'mount', pacman: 'util-linux' },
    demo: true,
  },
]

/** What the labs from 33 on run, without which the tests only see that such a lab is refused; and a browser. */
const daemons = [
  ...JSON.parse(readFileSync('src/kinds/daemons.json', 'utf8'))
    .filter(({ labs }) => labs)
    .map(({ programs, folder = '', ...rest }) => ({ programs: [join(folder, programs.split(' ', 1)[0])], ...rest })),
  { programs: ['curl'], package: 'curl' },
  // With it, the sandbox of an ordinary user has more than one user id, which FRR needs.
  {
    programs: ['newuidmap'],
    package: 'uidmap',
    others: { dnf: 'shadow-utils', apk: 'shadow-subids', pacman: 'shadow' },
  },
  // No lab runs it: a test opens the pages of netlab graph in it. It is too large for those who only change code.
  { programs: ['chromium'], package: 'chromium' },
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
    .map((folder) => resolve(folder, program))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK)
        return basename(realpathSync(path)) !== 'busybox' // its ip has no JSON, its unshare no --kill-child
      } catch {
        return false
      }
    })
}

async function installSystemPackages() {
  const all = process.argv.includes('--labs') ? [...needed, ...daemons] : needed
  const wanted = process.argv.includes('--demo') ? all.filter(({ demo }) => demo) : all
  const missing = wanted.filter(({ programs }) => !programs.every(find))
  if (missing.length === 0) return
  const manager = Object.keys(managers).find(find)
  const packages = [...new Set(missing.flatMap((need) => (need.others?.[manager] ?? need.package).split(' ')))]
  if (!manager) fail(`setup: these programs are missing; install them first: ${packages.join(' ')}`)
  const command = [...managers[manager], ...packages]
  const root = process.getuid() === 0
  const become = root ? [] : ['sudo', '-n']
  if (!root && spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status !== 0)
    fail(`setup: these packages are missing; install them with\n\n  sudo ${command.join(' ')}\n\nNothing was changed.`)
  const quiet = manager === 'apt-get' ? ['env', 'DEBIAN_FRONTEND=noninteractive'] : []
  if (manager === 'apt-get') await run('refreshing the list of system packages', [...become, 'apt-get', 'update', '-q'])
  await run(`installing ${packages.join(' ')}`, [...become, ...quiet, ...command])
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

async function build() {
  const output = 'dist/netlab.cjs'
  const generated = [
    'dist/program.cjs',
    'man/netlab.1',
    'schemas/lab.schema.json',
    'src/language/validator.generated.cjs',
  ]
  const sources = ['src', 'schemas', 'package.json', 'package-lock.json', 'scripts']
  const complete = [output, ...generated].every((path) => existsSync(path))
  if (complete && newest(sources) <= statSync(output).mtimeMs) return
  await run('building dist/netlab.cjs', [process.execPath, 'scripts/build.mjs'])
}

/** Whether files can be made here; a checkout of another user’s cannot be built. */
function writable() {
  try {
    accessSync('.', constants.W_OK)
    return true
  } catch {
    return false
  }
}

if (Number(process.versions.node.split('.')[0]) < 20)
  fail(`setup: netlab needs Node 20 or newer; this is ${process.version}`)
const packagesMissing = !installed()
if (packagesMissing && !writable())
  fail(`setup: you may not write to ${process.cwd()}; clone the repository as yourself`)
if (packagesMissing && !find('npm')) fail('setup: npm is missing; it comes with Node, or as the system package npm')
if (!process.argv.includes('--no-system')) await installSystemPackages()
if (packagesMissing) {
  // In `prepack` of `npm install -g`, npm inherits --global, which would install the build tools globally too.
  const here = ['--location=project', '--global=false', '--include=dev', '--ignore-scripts']
  const npm = ['npm', 'ci', ...here, '--no-audit', '--no-fund', '--loglevel=error']
  await run('installing npm packages', npm, { NODE_ENV: '' })
}
await build()
