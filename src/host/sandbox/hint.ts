import { readFileSync } from 'node:fs'
import { isSandboxed } from './holder.ts'

/** Messages of programs that fail to change to another user: tcpdump, setpriv, nginx, dnsmasq, sshd, … */
const DROPPING =
  /\bset(re|res|e)?[ug]id|\b(set|init)groups|change to '.*' uid|cannot change (user|group)|drop privileges/i

const HINT =
  'A program that becomes another user cannot start here: this sandbox has one user id. Give it an option to stay root ' +
  '(tcpdump -Z root), or get more ids: install newuidmap (package uidmap), grant them in /etc/subuid and /etc/subgid, ' +
  'and begin with a new sandbox.'

/** Explains such a message in a sandbox with one user id (docs/rootless.md); undefined for any other message. */
export const idHint = (words: string): string | undefined =>
  DROPPING.test(words) && isSandboxed() && readFileSync('/proc/self/uid_map', 'utf8').trim().endsWith(' 1')
    ? HINT
    : undefined
