// The program of the page that `netlab graph --format html` writes. `curve` stands before it. Texts of the lab become text nodes
// and attributes, never markup.
const data = JSON.parse(document.getElementById('data').textContent)
const $ = (id) => document.getElementById(id)
const [picture, world, details] = [$('picture'), $('world'), $('details')]
const nodes = new Map(data.nodes.map((node) => [node.id, { ...node, dx: 0, dy: 0 }]))
const elements = new Map([...world.querySelectorAll('[data-node]')].map((one) => [one.dataset.node, one]))
const lines = [...world.querySelectorAll('[data-link]')].map((line) => ({
  line,
  drawn: line.getAttribute('d'),
  offsets: '0 0 0 0',
  link: data.links[Number(line.dataset.link)],
}))
const say = (text) => ($('status').textContent = text)

// What is to be seen: what is at (x, y) in the picture is in the left upper corner, `k` times as large.
let view = { x: 0, y: 0, k: 1 }
function look(next) {
  view = next
  world.setAttribute('transform', `scale(${view.k}) translate(${-view.x} ${-view.y})`)
}
const sizeOfPicture = () => picture.getBoundingClientRect()

function fit() {
  const all = [...nodes.values()]
  const [left, top] = [Math.min(...all.map((n) => n.x + n.dx)), Math.min(...all.map((n) => n.y + n.dy))]
  const right = Math.max(...all.map((n) => n.x + n.dx + n.width))
  const bottom = Math.max(...all.map((n) => n.y + n.dy + n.height))
  const { width, height } = sizeOfPicture()
  const around = 56
  const k = Math.min(1.6, width / (right - left + around), height / (bottom - top + around)) || 1
  look({ x: (left + right - width / k) / 2, y: (top + bottom - height / k) / 2, k })
}

/** Zooms around a point of the window; without one, around the middle. */
function zoom(factor, clientX, clientY) {
  const { left, top, width, height } = sizeOfPicture()
  const [x, y] = [
    clientX === undefined ? width / 2 : clientX - left,
    clientY === undefined ? height / 2 : clientY - top,
  ]
  const k = Math.min(8, Math.max(0.02, view.k * factor))
  look({ x: view.x + x / view.k - x / k, y: view.y + y / view.k - y / k, k })
}

/** Moves what is seen so that a node is in it. */
function reveal({ x, y, dx, dy, width, height }) {
  const size = sizeOfPicture()
  const [w, h] = [size.width / view.k, size.height / view.k]
  const isSeen = x + dx >= view.x && x + dx + width <= view.x + w && y + dy >= view.y && y + dy + height <= view.y + h
  if (!isSeen) look({ ...view, x: x + dx + width / 2 - w / 2, y: y + dy + height / 2 - h / 2 })
}

// Moving a node: what hangs on it comes along.
function move(id, dx, dy) {
  const node = nodes.get(id)
  node.dx += dx
  node.dy += dy
  elements.get(id).setAttribute('transform', `translate(${node.x + node.dx} ${node.y + node.dy})`)
  for (const child of node.children) move(child, dx, dy)
}

function redraw() {
  for (const one of lines) {
    const { line, drawn, link } = one
    const [a, b] = link.ends.map((end) => nodes.get(end.node))
    const offsets = [a.dx, a.dy, b.dx, b.dy].join(' ')
    if (one.offsets === offsets) continue
    one.offsets = offsets
    const together = a.dx === b.dx && a.dy === b.dy
    line.setAttribute('transform', together ? `translate(${a.dx} ${a.dy})` : '')
    line.setAttribute('d', together ? drawn : lineOf(link, a, b))
  }
}

function lineOf({ ends, hangs }, a, b) {
  const at = ({ x, y, dx, dy }, [px, py]) => [x + dx + px, y + dy + py]
  if (hangs >= 0) {
    const [child, parent] = hangs === 0 ? [a, b] : [b, a]
    const { port } = ends[hangs]
    const [x, y] = at(child, port)
    const [px, py] = at(parent, [parent.width / 2, parent.height / 2])
    return `M${px} ${py}L${x} ${y + port[3]}V${y}`
  }
  const [one, other] = [ends[0].port, ends[1].port]
  return curve(...at(a, one), one[2], ...at(b, other), other[2])
}

function moved(id) {
  redraw()
  say(`${id} moved. Save positions to keep it.`)
}

// Pointers: a node is dragged, the paper moves the picture, two fingers zoom.
const pointers = new Map()
let held
const idAt = (target) => target.closest?.('[data-node]')?.dataset.node
picture.addEventListener('pointerdown', (event) => {
  if (event.button !== 0) return
  pointers.set(event.pointerId, event)
  held =
    pointers.size === 1 ? { id: idAt(event.target), x: event.clientX, y: event.clientY, dragged: false } : undefined
})
picture.addEventListener('pointermove', (event) => {
  const before = pointers.get(event.pointerId)
  if (!before) return
  if (pointers.size === 2) {
    const [other] = [...pointers.values()].filter((one) => one.pointerId !== event.pointerId)
    const apart = (one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY) || 1
    zoom(apart(event) / apart(before), (event.clientX + other.clientX) / 2, (event.clientY + other.clientY) / 2)
  } else if (held) {
    if (!held.dragged && Math.hypot(event.clientX - held.x, event.clientY - held.y) < 4) return
    if (!held.dragged) {
      held.dragged = true
      picture.setPointerCapture(event.pointerId)
      picture.classList.add('moving')
    }
    const [dx, dy] = [(event.clientX - held.x) / view.k, (event.clientY - held.y) / view.k]
    held.x = event.clientX
    held.y = event.clientY
    if (held.id === undefined) look({ ...view, x: view.x - dx, y: view.y - dy })
    else {
      move(held.id, dx, dy)
      redraw()
    }
  }
  pointers.set(event.pointerId, event)
})
for (const end of ['pointerup', 'pointercancel'])
  picture.addEventListener(end, (event) => {
    pointers.delete(event.pointerId)
    picture.classList.remove('moving')
    if (held?.dragged && held.id !== undefined) moved(held.id)
  })
picture.addEventListener('click', (event) => {
  const id = idAt(event.target)
  if (id !== undefined && !held?.dragged) open(id)
  held = undefined
})
picture.addEventListener(
  'wheel',
  (event) => {
    event.preventDefault()
    zoom(Math.exp(-event.deltaY * (event.deltaMode === 1 ? 0.05 : 0.0015)), event.clientX, event.clientY)
  },
  { passive: false },
)

// One node is reached with Tab, the others with arrows from there.
let current
function focusOn(id, focus = true) {
  elements.get(current)?.setAttribute('tabindex', '-1')
  current = id
  const element = elements.get(id)
  element.setAttribute('tabindex', '0')
  if (!focus) return
  reveal(nodes.get(id))
  element.focus({ preventScroll: true })
}
// Not on the picture: Chromium lets SVG that listens to focus be focused itself.
picture.parentElement.addEventListener('focusin', (event) => {
  const id = idAt(event.target)
  if (id === undefined) return
  if (id !== current) focusOn(id, false)
  // What moved away under a pointer that goes down would not be clicked.
  if (event.target.matches(':focus-visible')) reveal(nodes.get(id))
})

const middle = ({ x, y, dx, dy, width, height }) => [x + dx + width / 2, y + dy + height / 2]
const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }

/** The nearest node in a direction: what is beside the way counts as further. */
function nextNode([wx, wy]) {
  const [x, y] = middle(nodes.get(current))
  let found
  let least = Infinity
  for (const node of nodes.values()) {
    const [nx, ny] = middle(node)
    const along = (nx - x) * wx + (ny - y) * wy
    const aside = Math.abs((nx - x) * wy) + Math.abs((ny - y) * wx)
    if (node.id === current || along <= 4 || aside > 2 * along) continue
    const far = along + 2 * aside
    if (far < least) [found, least] = [node.id, far]
  }
  return found
}

picture.addEventListener('keydown', (event) => {
  const way = ways[event.key]
  const id = idAt(event.target)
  if (id === undefined || event.ctrlKey || event.altKey || event.metaKey) return
  if (event.key === 'Enter' || event.key === ' ') open(id)
  else if (way && event.shiftKey) {
    move(id, way[0] * 20, way[1] * 20)
    moved(id)
    reveal(nodes.get(id))
  } else if (way) {
    const next = nextNode(way)
    if (next !== undefined) focusOn(next)
  } else return
  event.preventDefault()
})
document.addEventListener('keydown', (event) => {
  const isTyping = event.target.tagName === 'INPUT'
  if (event.ctrlKey || event.altKey || event.metaKey) return
  if (event.key === 'Escape') {
    if (!details.hidden) close()
    else if (isTyping) search('')
  } else if (isTyping) return
  else if (event.key === '/') $('search').focus()
  else if (event.key === '+' || event.key === '=') zoom(1.25)
  else if (event.key === '-') zoom(0.8)
  else if (event.key === '0') fit()
  else return
  event.preventDefault()
})

// Search.
let matches = []
function search(text) {
  $('search').value = text
  const wanted = text.trim().toLowerCase()
  matches = wanted ? [...nodes.values()].filter((node) => node.text.includes(wanted)).map(({ id }) => id) : []
  const found = new Set(matches)
  for (const [id, element] of elements) element.classList.toggle('dim', wanted !== '' && !found.has(id))
  for (const { line, link } of lines)
    line.classList.toggle('dim', wanted !== '' && !link.ends.some(({ node }) => found.has(node)))
  say(wanted ? `${matches.length} of ${nodes.size} nodes match` : '')
}
$('search').addEventListener('input', (event) => search(event.target.value))
let nth = -1
$('search').addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || matches.length === 0) return
  nth = (nth + 1) % matches.length
  reveal(nodes.get(matches[nth]))
  open(matches[nth], false)
  say(`${matches[nth]}: ${nth + 1} of ${matches.length}`)
})

// Details.
function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(properties)) element.setAttribute(name, value)
  element.append(...children)
  return element
}
const rowsOf = (rows) =>
  rows.length
    ? make(
        'table',
        {},
        make('tbody', {}, ...rows.map((row) => make('tr', {}, ...row.map((cell) => make('td', {}, cell))))),
      )
    : make('p', {}, 'None')

function linkRow({ ends, state }, id) {
  const [own, far] = ends[0].node === id ? ends : [ends[1], ends[0]]
  const there = make('button', { 'data-open': far.node }, far.node)
  const words = (end) => [end.name, ...end.addresses].filter(Boolean).join(' ')
  return [words(own), there, `${words(far)}${state === 'up' ? '' : ` (${state})`}`]
}

let opened
function open(id, focus = true) {
  elements.get(opened)?.classList.remove('open')
  opened = id
  elements.get(id).classList.add('open')
  focusOn(id, false)
  const node = nodes.get(id)
  const heading = make('h2', { id: 'about', tabindex: '-1' }, id)
  const links = data.links.filter(({ ends }) => ends.some((end) => end.node === id))
  const closing = make('button', { class: 'close' }, 'Close')
  closing.addEventListener('click', close)
  const parts = data.sections[node.namespace].flatMap(({ title, rows }) => [make('h3', {}, title), rowsOf(rows)])
  const where = node.id === node.namespace ? [] : [make('p', {}, `of namespace ${node.namespace}:`)]
  const joined = rowsOf(links.map((link) => linkRow(link, id)))
  details.replaceChildren(
    closing,
    heading,
    make('p', {}, node.words),
    make('h3', {}, 'Links'),
    joined,
    ...where,
    ...parts,
  )
  details.hidden = false
  reveal(node)
  if (focus) heading.focus()
}
function close() {
  details.hidden = true
  elements.get(opened)?.classList.remove('open')
  if (opened !== undefined && $('tables').hidden) focusOn(opened)
  opened = undefined
}
document.addEventListener('click', (event) => {
  const id = event.target.dataset?.open
  if (id !== undefined && nodes.has(id)) open(id)
})

// The buttons.
$('in').addEventListener('click', () => zoom(1.25))
$('out').addEventListener('click', () => zoom(0.8))
$('fit').addEventListener('click', fit)
$('theme').addEventListener('click', () => {
  const root = document.documentElement
  const next = { light: 'dark', dark: 'auto' }[root.dataset.theme] ?? 'light'
  root.dataset.theme = next
  $('theme').textContent = `Theme: ${next}`
})
$('table').addEventListener('click', () => {
  const shown = $('tables').hidden
  $('tables').hidden = !shown
  picture.style.display = shown ? 'none' : ''
  $('table').setAttribute('aria-expanded', String(shown))
  $('table').textContent = shown ? 'Picture' : 'Tables'
  if (!shown) fit()
})
$('save').addEventListener('click', () => {
  const text = [...nodes.values()].map((node) => {
    const [x, y] = middle(node).map((n) => Math.round(n * 2) / 2)
    return `${node.key}: [${x}, ${y}]\n`
  })
  const url = URL.createObjectURL(new Blob([data.head, ...text], { type: 'application/yaml' }))
  make('a', { href: url, download: data.file }).click()
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
  say(`Saved ${data.file}. Put it beside the lab file, and netlab graph draws the lab like this.`)
})

if (nodes.size) focusOn(data.nodes[0].id, false)
fit()
addEventListener('resize', fit)
