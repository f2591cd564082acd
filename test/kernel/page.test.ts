import { accessSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { chromium, type Browser, type Page } from 'playwright-core'
import type { GraphJson } from '../../src/views/graph/text-forms.ts'

/** Ends elements and begins others, wherever it is put into a page as it is. */
const HOSTILE = `</script><b id=broken>"'&<script>document.title='broken'</script>`

const lab = `
namespaces:
  r:
    forwarding: true
    iptables:
      filter:
        FORWARD:
          policy: ACCEPT
          rules: [${JSON.stringify(`-p tcp -m comment --comment "${HOSTILE.replaceAll('"', '')}" -j DROP`)}]
  a:
    routes: [{ to: default, via: 10.0.1.1 }]
    processes: { p: { command: [sleep, ${JSON.stringify(HOSTILE)}] } }
  b: { rules: [{ from: 10.0.2.0/24, table: 100, priority: 1000 }] }
links:
  - endpoints: { r:eth1: 10.0.1.1/24, a:eth0: 10.0.1.2/24 }
  - endpoints: { r:eth2: 10.0.2.1/24, b:eth0: 10.0.2.2/24, }
`

function browserPath(): string {
  const found = (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'chromium'))
    .find((path) => {
      try {
        accessSync(path)
        return true
      } catch {
        return false
      }
    })
  if (found === undefined) throw new Error('There is no chromium on this machine. npm run setup -- --labs installs it.')
  return found
}

const folder = mkdtempSync(join(tmpdir(), 'netlab-page-'))
const file = join(folder, 'shop.yaml')
let browser: Browser
let page: Page
const noise: string[] = []

function netlab(...args: string[]): string {
  const { stdout, stderr, status } = spawnSync(process.execPath, ['dist/netlab.cjs', ...args], { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
  return stdout
}

beforeAll(async () => {
  writeFileSync(file, lab)
  writeFileSync(join(folder, 'shop.html'), netlab('graph', file, '--format', 'html'))
  browser = await chromium.launch({
    executablePath: browserPath(),
    args: ['--no-sandbox'],
  })
})
beforeEach(async () => {
  noise.length = 0
  page = await browser.newPage({ viewport: { width: 1200, height: 800 } })
  page.on('console', (message) => noise.push(message.text()))
  page.on('pageerror', (error) => noise.push(error.message))
  page.on('request', (request) => request.url().startsWith('http') && noise.push(request.url()))
  await page.goto(`file://${join(folder, 'shop.html')}`)
})
afterEach(async () => {
  await page.close()
  expect(noise).toEqual([])
})
afterAll(async () => {
  await browser?.close()
  rmSync(folder, { recursive: true })
})

const node = (id: string) => page.locator(`[data-node="${id}"]`)
const view = () => page.locator('#world').getAttribute('transform')
const details = () => page.locator('#details')
const focused = () => page.evaluate<string>('document.activeElement.dataset.node ?? document.activeElement.id')

test('all of the picture is to be seen, no card over another', async () => {
  const boxes = await Promise.all(['r', 'a', 'b'].map(async (id) => (await node(id).boundingBox())!))
  for (const [i, one] of boxes.entries()) {
    expect(one.x).toBeGreaterThanOrEqual(0)
    expect(one.x + one.width).toBeLessThanOrEqual(1200)
    expect(one.y + one.height).toBeLessThanOrEqual(800)
    for (const other of boxes.slice(i + 1))
      expect(
        one.x < other.x + other.width &&
          other.x < one.x + one.width &&
          one.y < other.y + other.height &&
          other.y < one.y + one.height,
      ).toBe(false)
  }
})

test('a click shows addresses, routes, rules and processes; what is written in a lab is never markup', async () => {
  await node('a').click()
  await details().waitFor()
  const text = await details().innerText()
  for (const part of ['a, host', '10.0.1.2/24', 'default', 'via 10.0.1.1', 'sleep', '<b id=broken>'])
    expect(text).toContain(part)
  await details().getByRole('button', { name: 'r', exact: true }).click()
  expect(await details().innerText()).toContain('<b id=broken>')
  await node('b').click()
  expect(await details().innerText()).toContain('from 10.0.2.0/24')
  expect(await page.title()).toBe('shop')
  expect(await page.locator('#broken').count()).toBe(0)
  await page.keyboard.press('Escape')
  expect(await details().isVisible()).toBe(false)
  expect(await focused()).toBe('b')
})

test('the keyboard does everything', async () => {
  await page.keyboard.press('/')
  expect(await focused()).toBe('search')
  await page.keyboard.type('10.0.2.2')
  expect(await page.getByRole('status').innerText()).toBe('1 of 3 nodes match')
  expect(await node('a').getAttribute('class')).toContain('dim')
  expect(await node('b').getAttribute('class')).not.toContain('dim')
  await page.keyboard.press('Enter')
  expect(await details().innerText()).toContain('b, host')
  await page.keyboard.press('Escape')
  await page.keyboard.press('/')
  await page.keyboard.press('Escape')
  expect(await page.getByRole('status').innerText()).toBe('')

  await page.locator('#save').focus()
  await page.keyboard.press('Tab')
  expect(await focused()).toBe('b')
  await page.keyboard.press('ArrowUp')
  expect(await focused()).toBe('r')
  await page.keyboard.press('Enter')
  expect(await focused()).toBe('about')
  await page.keyboard.press('Escape')
  expect(await focused()).toBe('r')
  const before = await node('r').getAttribute('transform')
  await page.keyboard.press('Shift+ArrowRight')
  expect(await node('r').getAttribute('transform')).not.toBe(before)

  const usual = await view()
  await page.keyboard.press('+')
  expect(await view()).not.toBe(usual)
  await page.keyboard.press('0')
  await page.keyboard.press('-')
  expect(await view()).not.toBe(usual)
})

test('wheel and mouse: zoom and pan', async () => {
  const scale = async () => Number(/scale\(([^)]+)/.exec((await view())!)![1])
  const [before, first] = [await view(), await scale()]
  await page.mouse.move(600, 700)
  await page.mouse.wheel(0, -300)
  await page.waitForFunction(`document.getElementById('world').getAttribute('transform') !== '${before}'`)
  expect(await scale()).toBeGreaterThan(first)
  const box = (await node('r').boundingBox())!
  await page.mouse.down()
  await page.mouse.move(650, 720, { steps: 4 })
  await page.mouse.up()
  expect((await node('r').boundingBox())!.x - box.x).toBeCloseTo(50, 0)
  expect(await details().isVisible()).toBe(false)
})

test('light and dark', async () => {
  const paper = () => page.evaluate('getComputedStyle(document.body).backgroundColor')
  await page.emulateMedia({ colorScheme: 'light' })
  expect(await paper()).toBe('rgb(255, 255, 255)')
  await page.emulateMedia({ colorScheme: 'dark' })
  expect(await paper()).toBe('rgb(16, 21, 28)')
  const button = page.getByRole('button', { name: /^Theme/ })
  await button.click()
  expect([await button.innerText(), await paper()]).toEqual(['Theme: light', 'rgb(255, 255, 255)'])
  await page.emulateMedia({ colorScheme: 'light' })
  await button.click()
  expect([await button.innerText(), await paper()]).toEqual(['Theme: dark', 'rgb(16, 21, 28)'])
  await button.click()
  expect([await button.innerText(), await paper()]).toEqual(['Theme: auto', 'rgb(255, 255, 255)'])
})

test('positions: as --pin writes them; what is dragged stays there in the next picture', async () => {
  const saved = async (): Promise<string> => {
    const [download] = await Promise.all([page.waitForEvent('download'), page.locator('#save').click()])
    expect(download.suggestedFilename()).toBe('shop.layout.yaml')
    return readFileSync(await download.path(), 'utf8')
  }
  const pins = join(folder, 'shop.layout.yaml')
  netlab('graph', file, '--pin')
  expect(await saved()).toBe(readFileSync(pins, 'utf8'))
  const box = (await node('b').boundingBox())!
  await page.mouse.move(box.x + 20, box.y + 40)
  await page.mouse.down()
  await page.mouse.move(box.x + 220, box.y + 90, { steps: 4 })
  await page.mouse.up()
  expect(await details().isVisible()).toBe(false)
  const text = await saved()
  const [, x, y] = /^b: \[([^,]+), ([^\]]+)\]$/m.exec(text)!
  writeFileSync(pins, text)
  const { nodes } = JSON.parse(netlab('graph', file, '--json')) as GraphJson
  expect(nodes.find(({ id }) => id === 'b')).toMatchObject({ x: Number(x), y: Number(y) })
  rmSync(pins)
})

test('understandable without seeing it: roles, names, and tables', async () => {
  const tree = await page.locator('body').ariaSnapshot()
  for (const part of [
    'heading "shop" [level=1]',
    'navigation "Picture"',
    'searchbox "Search"',
    'group "Picture of shop"',
    'button "r, router"',
    'button "a, host"',
  ])
    expect(tree).toContain(part)
  const button = page.getByRole('button', { name: 'Tables' })
  expect(await button.getAttribute('aria-expanded')).toBe('false')
  await button.click()
  const links = page.getByRole('table', { name: 'Links' })
  expect(await links.getByRole('row').allInnerTexts()).toEqual([
    'From\tInterface\tTo\tInterface\tKind\tState',
    'r\teth1 10.0.1.1/24\ta\teth0 10.0.1.2/24\tcable\tup',
    'r\teth2 10.0.2.1/24\tb\teth0 10.0.2.2/24\tcable\tup',
  ])
  await page.getByRole('table', { name: 'Nodes' }).getByRole('button', { name: 'a' }).click()
  expect(await details().innerText()).toContain('a, host')
  expect(await focused()).toBe('about')
})

test.each(['12-pairs', '26-segments', '31-qos'])(
  'every text of %s is within its card or beside it, over no other',
  async (name) => {
    await page.setContent(netlab('graph', `labs/${name}.yaml`))
    const found = await page.evaluate<string[]>(`(() => {
    const texts = [...document.querySelectorAll('text')].map((text) => [text.textContent, text.getBoundingClientRect(), text])
    const cards = [...document.querySelectorAll('.b')].map((card) => [card.parentElement, card.getBoundingClientRect()])
    const meet = (a, b) => a.left < b.right && b.left < a.right && a.top + 1 < b.bottom && b.top + 1 < a.bottom
    const pairs = texts.flatMap(([a, one], i) =>
      texts.slice(i + 1).flatMap(([b, other]) => (meet(one, other) ? [a + ' over ' + b] : [])))
    const over = texts.flatMap(([a, one, text]) =>
      cards.flatMap(([group, card]) => {
        if (!meet(one, card)) return []
        const within = one.left >= card.left && one.right <= card.right
        return group === text.parentElement && within ? [] : [a + ' leaves or meets a card']
      }))
    return [...pairs, ...over]
  })()`)
    expect(found).toEqual([])
  },
)
