/** Codes of diagnostics of `netlab import` (src/model/diagnostic-codes.ts). */
export const importCodes = {
  'not-imported': {
    cause: 'What is imported has something that a lab file cannot say.',
    remedy: 'Read the comment in the file. Change what is live, or the file, where it matters.',
  },
} as const
