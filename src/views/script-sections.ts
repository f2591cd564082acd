import type { Stage } from '../model/change.ts'

/** The sections of a script in their order: the stages of a plan that each has, and what it does. */
export const sections: readonly { readonly title: string; readonly stages: readonly Stage[] }[] = [
  {
    title: 'Network namespaces: each has its own interfaces, routes and firewall. lo is its loopback interface.',
    stages: ['create namespaces'],
  },
  { title: 'Second names of namespaces.', stages: ['share namespaces'] },
  {
    title: 'Settings of the kernel in a namespace, before there are interfaces: new ones copy some of them.',
    stages: ['set sysctls of all', 'set sysctls'],
  },
  {
    title: 'Interfaces. A cable is a pair of them (veth), which may be in two namespaces.',
    stages: ['create links'],
  },
  {
    title: 'Bridges are switches: the ends of cables that are plugged in are their ports.',
    stages: ['set bridges', 'set ports'],
  },
  { title: 'Firewalls, before packets can pass.', stages: ['load sets', 'load firewall', 'delete sets'] },
  { title: 'Interfaces go up.', stages: ['open bridges', 'set links', 'choose ports'] },
  { title: 'Settings of the kernel for single interfaces.', stages: ['set link sysctls'] },
  {
    title: 'Addresses. Each brings a route to its subnet. nodad: IPv6 need not find out first whether others have it.',
    stages: ['add addresses'],
  },
  { title: 'Tunnels go up, now that they have the addresses that they use.', stages: ['open tunnels'] },
  {
    title: 'Entries that would be learnt, or asked for: neighbours, and where bridges send frames.',
    stages: ['add neighbors'],
  },
  {
    title: 'Routes. Those by which gateways are reached come first.',
    stages: ['add device routes', 'add nexthops', 'add nexthop groups', 'add routes', 'delete nexthops'],
  },
  { title: 'Rules that choose the table of routes.', stages: ['add rules'] },
  { title: 'Queues: what delays, limits or loses packets.', stages: ['add qdiscs'] },
]
