import { expect, it } from 'vitest'
import { Backoff } from '../../src/core/backoff.js'
import { duration, initials, tail } from '../../src/elements/names.js'

it('finds initials in names of all sorts', () => {
  expect(['Anna Richter', 'anna.richter@example.net', 'Łukasz', '', '山田 太郎', 'a b c'].map(initials)).toEqual([
    'AR',
    'AN',
    'Ł',
    '?',
    '山太',
    'AC',
  ])
})

it('writes durations', () => {
  expect([0, 59_999, 61_000, 3_600_000 * 30, -5].map(duration)).toEqual([
    '0:00:00',
    '0:00:59',
    '0:01:01',
    '30:00:00',
    '0:00:00',
  ])
})

it('backs off: at once, then doubling, capped, with jitter', () => {
  const waits = (random: number): number[] => {
    const b = new Backoff({ first: 1000, max: 8000, random: () => random })
    return Array.from({ length: 7 }, () => b.next())
  }
  expect(waits(0)).toEqual([0, 500, 1000, 2000, 4000, 4000, 4000])
  expect(waits(0.999).at(-1)).toBeLessThanOrEqual(8000)
})

it('keeps the end of a long name', () => {
  expect(tail('db-replica-07')).toBe('')
  expect(tail('db-warehouse-eu-central-analytics-readonly')).toBe('readonly')
  expect(tail('خادم قاعدة البيانات الرئيسية')).toBe('')
})
