/** The codes about namespaces that a lab borrows from others, with cause and remedy as in diagnostic-codes.ts. */
export const lenderCodes = {
  'new-lender': {
    cause:
      'A container, or another namespace of somebody else’s, has nothing of a live lab: it was started again, or is new in the lab.',
    remedy: 'Apply: the lab makes again what it has there.',
  },
  'no-lender': {
    cause:
      'A container, or another namespace of somebody else’s, is not there, cannot be entered, or is one that the lab has already.',
    remedy: 'Do what the message says: start the container, or name another.',
  },
} as const
