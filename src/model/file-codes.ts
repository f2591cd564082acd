/** Codes of diagnostics of `netlab diff`, `netlab capture` and `netlab watch` (src/model/diagnostic-codes.ts). */
export const fileCodes = {
  'no-revision': {
    cause:
      'A file is named as `REV:FILE`, and git cannot read it: there is no such revision or file, or no repository here.',
    remedy: 'Correct the name. `git show REV:FILE` must print the file.',
  },
  'bad-filter': {
    cause: 'libpcap does not understand the filter of a capture, or it means nothing for an interface of this type.',
    remedy: 'Write it as for tcpdump (pcap-filter(7)), in quotes.',
  },
  'capture-impossible': {
    cause: 'Nothing can be captured: libpcap is not installed, or the interface is down or does not exist.',
    remedy: 'Do what the message says.',
  },
  'watch-impossible': {
    cause:
      'The reports of the kernel cannot be received, because the package koffi is not installed or does not work here.',
    remedy: 'Install netlab with its optional packages.',
  },
  'unreadable-file': {
    cause: 'A file that is named cannot be read; as a warning: it lies outside the folder of the lab file.',
    remedy: 'Correct the path, its permissions or its content.',
  },
} as const
