import assert from 'node:assert/strict'
import { test } from 'vitest'
import {
  another,
  arrange,
  parseFolder,
  Rate,
  readTransfer,
  sendable,
  showSize,
  showSpan,
  way,
  within,
} from '../../src/core/files.js'

test('S17 a folder is read with care: what has not the right type becomes harmless', () => {
  const folder = parseFolder(
    JSON.stringify({
      path: '/a',
      refused: -1,
      truncated: 'yes',
      files: [
        { name: 'x', kind: 'folder', size: 'big', mode: 7, modified: 'yesterday' },
        { name: 5 },
        null,
        { name: 'y', kind: 'device', size: 1e300 },
      ],
    }),
  )
  assert.deepEqual(folder, {
    path: '/a',
    refused: 0,
    truncated: false,
    files: [
      { name: 'x', kind: 'folder', size: 0, mode: '', modified: undefined },
      { name: 'y', kind: 'other', size: 0, mode: '', modified: undefined },
    ],
  })
  for (const bad of ['', '[]', '{}', '{"path":"/a"}', '{"path":"","files":[]}']) {
    assert.equal(parseFolder(bad), undefined, bad)
  }
  for (const bad of [undefined, null, 1, {}, { id: '' }]) assert.equal(readTransfer(bad), undefined)
})

test('I12 folders come first, names as people sort them, hidden ones when they are wanted', () => {
  const file = (name: string, kind: 'file' | 'folder' = 'file') => ({
    name,
    kind,
    size: 0,
    mode: '',
    modified: undefined,
  })
  const files = [file('b10'), file('b9'), file('.h'), file('z', 'folder'), file('Ä')]
  assert.deepEqual(
    arrange(files, false, 'en').map((f) => f.name),
    ['z', 'Ä', 'b9', 'b10'],
  )
  assert.ok(arrange(files, true, 'en').some((f) => f.name === '.h'))
})

test('I12 paths and names', () => {
  assert.equal(within('/', 'a'), '/a')
  assert.equal(within('/a', 'b'), '/a/b')
  assert.deepEqual(
    way('/a/b').map((s) => s.path),
    ['/', '/a', '/a/b'],
  )
  assert.deepEqual(way('/'), [{ name: '/', path: '/' }])
  assert.equal(another('report.pdf', 2), 'report (2).pdf')
  assert.equal(another('.bashrc', 2), '.bashrc (2)')
  assert.equal(sendable('a\\b'), 'a\\\\b')
})

test('I12 sizes and times have three digits and no more', () => {
  const sizes: [number, string][] = [
    [0, '0 B'],
    [1023, '1,023 B'],
    [1024, '1.00 KiB'],
    [1536, '1.50 KiB'],
    [99 * 1024, '99.0 KiB'],
    [200 * 1024, '200 KiB'],
    [5 * 2 ** 30, '5.00 GiB'],
    [2 ** 52, '4,096 TiB'],
  ]
  for (const [n, want] of sizes) assert.equal(showSize(n, 'en'), want)
  assert.equal(showSpan(9, 'en'), '9 sec')
  assert.equal(showSpan(136, 'en'), '2:16')
  assert.equal(showSpan(3736, 'en'), '1:02:16')
})

test('I12 the rate of a transfer follows what the gateway tells', () => {
  const r = new Rate()
  assert.equal(r.perSecond, undefined)
  assert.equal(r.left(100), undefined)
  r.take(0, 0)
  r.take(1000, 1000)
  assert.equal(r.perSecond, 1000)
  assert.equal(r.left(3000), 2)
  r.take(2000, 1000) // it stands still
  assert.equal(r.perSecond, 700)
  r.take(3000, 500) // it began anew: no rate follows from that
  assert.equal(r.perSecond, 700)
})
