/** Codes of diagnostics about files that are not on disk (src/model/diagnostic-codes.ts). */
export const fileCodes = {
  'no-revision': {
    cause:
      'A file is named as `REV:FILE`, and git cannot read it: there is no such revision or file, or no repository here.',
    remedy: 'Correct the name. `git show REV:FILE` must print the file.',
  },
} as const
