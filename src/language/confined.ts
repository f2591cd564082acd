import type { Confines } from '../model/host.ts'
import type { Expansion } from './expansion.ts'
import type { Path } from './yaml/source.ts'

/** Reports what in the file only root can have. */
export function checkConfines(x: Expansion, { severity, machine, tun, hides }: Confines): void {
  const away = `An ordinary user’s labs live in a sandbox. On the machine itself: sudo netlab apply ${x.report.position([]).file}`
  const say = (path: Path, summary: string, on?: 'key'): void =>
    x.report[severity]('not-in-sandbox', path, summary, away, on)
  for (const [name, fields] of Object.entries(x.file.namespaces)) {
    const path = ['namespaces', name]
    if (fields?.root && !machine)
      say([...path, 'root'], `${name} is the machine’s own namespace, which a sandbox cannot reach`)
    for (const [dev, settings] of Object.entries(fields?.interfaces ?? {}))
      if (!tun && isTap(settings))
        say(
          [...path, 'interfaces', dev, 'type'],
          `${dev} is a tap device, and only root may open /dev/net/tun on this machine`,
        )
    for (const key of Object.keys(fields?.sysctls ?? {}))
      if (hides(key)) say([...path, 'sysctls', key], `the kernel has ${key} only in root’s namespaces`, 'key')
  }
}

const isTap = (settings: unknown): boolean =>
  typeof settings === 'object' && settings !== null && 'type' in settings && settings.type === 'tap'
