import { labelled, marked, notesIn, ownerOf } from '../../src/model/owner.ts'

test('the mark of a namespace says whose it is, and what was set', () => {
  const notes = { adopted: true, sysctls: ['net.ipv4.tcp_ecn', 'net.ipv6.conf.eth0/1.forwarding'] }
  const mark = marked('lab-1', notes)
  expect(ownerOf(mark)).toBe('lab-1')
  expect(notesIn(mark)).toEqual(notes)
  expect(marked('lab-1', { adopted: false, sysctls: [] })).toBe(labelled('lab-1'))
  expect(notesIn(labelled('lab-1'))).toEqual({ adopted: false, sysctls: [] })
  expect(notesIn(marked('lab-1', { ...notes, drill: '3.0' }))).toEqual({ ...notes, drill: '3.0' })
  expect(notesIn(undefined)).toEqual({ adopted: false, sysctls: [] })
})

test('it is never longer than an alias can be: what does not fit is left out, whole', () => {
  const sysctls = Array.from({ length: 40 }, (_, i) => `net.ipv4.conf.eth${i}.rp_filter`)
  const mark = marked('x'.repeat(32), { adopted: true, sysctls })
  expect(mark.length).toBeLessThanOrEqual(255)
  expect(mark.length).toBeGreaterThan(220)
  expect(notesIn(mark).sysctls).toEqual(sysctls.slice(0, notesIn(mark).sysctls.length))
})
