import { Heap, type Held } from './heap.js'
import { expect, joinAside, openReal, testOn } from './real-test.js'

const test = testOn('xrdp')

/** How long it goes on; without, it makes a few rounds, so that it is known to work when somebody wants it. */
const minutes = Number(process.env.PAM_SOAK_MINUTES ?? 0)
const FEWEST = 2
/** How many changes of the picture make a round. */
const ROUND = 4
/** Samples in whose middle a fifth and the last fifth can be told apart. */
const ENOUGH = 20
/** A heap is flat if it has not grown by more than a quarter and this. */
const SLACK = 2 << 20

// A text that scrolls, a clock, and letters whose colours change, until a file is gone.
const animation = `touch moving
cat >move.sh <<'END'
i=0
while [ -e moving ]; do i=$((i + 1)); printf '\\033[3%dmline %d of a text that goes on and on\\n' $((i % 8)) $i; sleep 0.05; done
END
for at in +20+380 +420+20 +420+380; do
  setsid xterm -fn fixed -geometry 60x24$at -e sh move.sh >/dev/null 2>&1 </dev/null &
done
setsid sh -c 'xclock -update 1 -geometry 150x150+850+20 & p=$!; while [ -e moving ]; do sleep 0.2; done; kill $p' >/dev/null 2>&1 </dev/null &`

/** What stands in the middle of some numbers. */
const median = (all: number[]): number => all.toSorted((a, b) => a - b)[all.length >> 1] ?? 0

/** What has grown from the second fifth of the samples to the last, '' if nothing has. */
function grown(samples: Held[]): string {
  const fifth = Math.floor(samples.length / 5)
  const early = samples.slice(fifth, 2 * fifth)
  const late = samples.slice(-fifth)
  return (['page', 'workers'] as const)
    .map((part) => [part, median(early.map((s) => s[part])), median(late.map((s) => s[part]))] as const)
    .filter(([, before, after]) => after > before * 1.25 + SLACK)
    .map(([part, before, after]) => `${part}: ${before} to ${after} bytes`)
    .join(', ')
}

test('S26 J4 a moving desktop before an owner and a viewer whose line stalls at random, whose heaps stay flat', async ({
  anna,
  world,
  browser,
}) => {
  test.setTimeout((minutes + 5) * 60_000)
  const owner = await openReal(anna, world, 'shared')
  const joiner = await joinAside(browser, world, owner.id)
  const heaps = [await Heap.of(owner.page), await Heap.of(joiner.page)]
  const samples: Held[][] = [[], []]
  await world.server.sh(animation)
  let random = 1
  const paces = [0, 16 << 10, 64 << 10, 1 << 20, Number.POSITIVE_INFINITY]
  const end = performance.now() + minutes * 60_000
  for (let round = 0; round < FEWEST || performance.now() < end; round++) {
    random = (Math.imul(random, 1664525) + 1013904223) >>> 0
    world.aside.pace(paces[random % paces.length] ?? 0)
    // The owner sees it move, whatever the other's line is.
    for (let change = 0; change < ROUND; change++) {
      const before = await owner.sum()
      await expect.poll(() => owner.sum()).not.toBe(before)
      if (minutes > 0) await owner.page.waitForTimeout(1000)
    }
    for (const [i, heap] of heaps.entries()) samples[i]?.push(await heap.held())
  }
  world.aside.pace(Number.POSITIVE_INFINITY)
  await world.server.sh('rm moving')
  await owner.right()
  await joiner.right()
  const report = samples.map(
    (s, i) => `${i ? 'viewer' : 'owner'}: ${JSON.stringify([s[0], s[s.length >> 1], s.at(-1)])}`,
  )
  test.info().annotations.push({ type: 'heap', description: report.join('\n') })
  if (minutes > 0) console.log(`${samples[0]?.length} rounds\n${report.join('\n')}`)
  if (minutes > 0) expect(samples[0]?.length).toBeGreaterThan(ENOUGH)
  for (const s of samples) if (s.length > ENOUGH) expect(grown(s)).toBe('')
  await joiner.page.context().close()
})
