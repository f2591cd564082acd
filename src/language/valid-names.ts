/** A lab’s name: part of marks in the kernel. */
export const labName = /^[a-z0-9][a-z0-9-]{0,31}$/
/** A namespace’s name: a file’s name under /run/netns, and an argument of commands. */
export const namespaceName = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}$/
/** An interface’s name: what the kernel takes (at most 15 bytes), less what shells and tools would misread. */
export const interfaceName = /^[A-Za-z0-9_][A-Za-z0-9_.~-]{0,14}$/
/** Names of /proc/sys/net/ipv4/conf that are no interfaces. */
export const reservedInterfaces: readonly string[] = ['all', 'default']

/** The name of a lab whose file does not say one: the file's base name, as far as a lab can be called that. */
export function labNameFrom(file: string): string {
  const base = (file.split('/').at(-1) ?? '').replace(/\.ya?ml$/, '').toLowerCase()
  const name = base
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^-+/, '')
    .slice(0, 32)
  return labName.test(name) ? name : 'lab'
}
