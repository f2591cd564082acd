/** Codes of diagnostics about files that are not on disk (src/model/diagnostic-codes.ts). */
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
} as const
