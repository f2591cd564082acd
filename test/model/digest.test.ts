import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { digest, sha256 } from '../../src/model/digest.ts'

const expected = (text: string): string => createHash('sha256').update(text).digest('hex')

describe('sha256', () => {
  it('is what Node says it is, whoever computes it', () => {
    const text = fc.string({ unit: 'binary', maxLength: 150 })
    fc.assert(
      fc.property(text, (one) => {
        expect(digest(one)).toBe(expected(one))
        expect(sha256(one)).toBe(expected(one))
      }),
      { numRuns: 100 },
    )
  })

  it('pads texts of every length to whole blocks', () => {
    for (let length = 0; length < 200; length++) expect(digest('x'.repeat(length))).toBe(expected('x'.repeat(length)))
  })
})
