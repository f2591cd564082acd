import { join } from 'node:path'
import type { World } from './netns.ts'

/** Podman in a world: with a storage, an image and cgroups of its own, of which nothing is left. */
export interface Podman {
  /** The environment in which `podman` is this one. */
  readonly env: Readonly<Record<string, string>>
  /** Runs podman, and returns what it prints. Throws when it fails. */
  run(...args: string[]): Promise<string>
  /** Starts a container that sleeps, without a network, and with these options of `podman run`. */
  start(name: string, ...options: string[]): Promise<string>
  /** The path of the network namespace of a container. */
  namespace(name: string): Promise<string>
  /** Removes all containers, and their cgroups. */
  end(): Promise<void>
}

/** Opens it. Needs podman and runc, which scripts/setup.mjs installs, and root. */
export async function openPodman(world: World): Promise<Podman> {
  const bin = join(world.folder, 'bin')
  const parent = `netlab-test-${process.pid}`
  const sh = async (script: string, ...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await world.run(['sh', '-ec', script, 'sh', world.folder, ...args], { env })
    if (code !== 0) throw new Error(`${script}: ${stderr}`)
    return stdout
  }
  const env = { PATH: `${bin}:${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin` }
  const run = (...args: string[]): Promise<string> => sh('shift; podman "$@"', ...args)
  // The program is found before its wrapper is. A world has a /sys of its own, above the machine's, which has the cgroups.
  // The image has one program, with its libraries.
  await sh(`
    cd "$1"; mkdir -p bin image; real=$(command -v podman)
    printf '#!/bin/sh\\nexec unshare --mount -- sh -c "umount /sys; exec \\"\\$0\\" \\"\\$@\\"" %s --root %s/p/root --runroot %s/p/run --tmpdir %s/p/tmp %s "$@"\\n' "$real" "$1" "$1" "$1" \
      '--storage-driver vfs --events-backend none --cgroup-manager cgroupfs --runtime runc' >bin/podman
    chmod 755 bin/podman
    cp --parents -L /bin/sleep $(ldd /bin/sleep | grep -o '/[^ ]*') image
    tar -C image -c . | bin/podman import -q - sleeper`)
  return {
    env,
    run,
    start: (name, ...options) =>
      run(
        ...['run', '-d', '--name', name, '--network', 'none', '--cgroup-parent', parent],
        ...['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024', ...options],
        ...['sleeper', '/bin/sleep', '1000'],
      ),
    namespace: async (name) => `/proc/${(await run('inspect', '-f', '{{.State.Pid}}', name)).trim()}/ns/net`,
    async end() {
      await run('rm', '-f', '-t', '0', '-a')
      await sh('find /sys/fs/cgroup -depth -type d -path "*/$2*" -exec rmdir {} + 2>/dev/null || true', parent)
    },
  }
}
