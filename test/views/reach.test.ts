import { createColors } from 'picocolors'
import { chosenNames } from '../../src/commands/chosen-names.ts'
import type { Pair } from '../../src/model/reach-pair.ts'
import { reachPage } from '../../src/views/reach-page.ts'
import { renderReach } from '../../src/views/reach-text.ts'

const NAMES = Array.from({ length: 12 }, (_, i) => `h${i + 1}`)

/** All pairs, of which those are reached that `is` says. */
const pairs = (names: readonly string[], is: (from: string, to: string) => boolean): Pair[] =>
  names.flatMap((from) =>
    names
      .filter((to) => to !== from)
      .map((to): Pair => {
        const reached = is(from, to)
        return { from, to, protocol: 'icmp', reached, ...(!reached && { reason: 'no answer' }) }
      }),
  )
const render = (all: readonly Pair[], full = false): string => renderReach('lab', all, 1, full, createColors(false))

test('what is alike is one row and one column', () => {
  expect(render(pairs(NAMES, () => true))).toContain('1 h[1..12] (12)  ✓\n')
  const apart = render(pairs(NAMES, (from, to) => from !== 'h3' && to !== 'h3'))
  expect(apart).toContain('1 h[1..2,4..12] (11)  ✓ ✗\n')
  expect(apart).toContain('2 h3                  ✗ ·\n')
})

test('one direction, and two that only reach others, are not folded', () => {
  const oneWay = render(pairs(NAMES, (from, to) => !(from === 'h1' && to === 'h2')))
  expect(oneWay).toContain('1 h1             · ✗ ✓\n')
  expect(oneWay).toContain('2 h2             ✓ · ✓\n')
  const isolated = render(pairs(NAMES, (from, to) => Number(from.slice(1)) > 2 || Number(to.slice(1)) > 2))
  expect(isolated).toContain('1 h1 h2 (2)      ✗ ✓\n')
})

test('--full has a row for each, and many columns stand close', () => {
  const many = Array.from({ length: 40 }, (_, i) => `h${i + 1}`)
  const lines = render(
    pairs(many, () => true),
    true,
  ).split('\n')
  expect(lines.filter((line) => /✓/.test(line))).toHaveLength(40)
  expect(lines.find((line) => / h2 /.test(line))).toMatch(/^ 2 h2 +✓·✓{38}$/)
})

test('a page contains no markup of a lab', () => {
  const page = reachPage('<b>', [{ from: '<i>', to: '"', protocol: 'icmp', reached: false, reason: '<u>' }], false)
  expect(page).not.toMatch(/<b>:|<i>|<u>/)
})

test('names, ranges and patterns', () => {
  const chosen = (text: string): string[] => [...chosenNames(text, NAMES)]
  expect(chosen('h[9..11]')).toEqual(['h9', 'h10', 'h11'])
  expect(chosen('h1')).toEqual(['h1'])
  expect(chosen('h1?')).toEqual(['h10', 'h11', 'h12'])
  expect(chosen('*2,h1')).toEqual(['h2', 'h12', 'h1'])
  expect(() => chosen('h.')).toThrow('no live namespace')
})
