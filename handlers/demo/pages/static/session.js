// Shows what happens to the session while the page is open. Without this script the page
// shows the same when it is loaded again.
const list = document.getElementById('visits')
const state = document.getElementById('live')
const source = new EventSource(list.dataset.live)
const most = 25

source.onopen = () => {
	state.textContent = 'Live, the newest request is first. What you do in another tab appears here at once.'
	loadSoon() // the connection may have been interrupted when a session ended
}
source.onerror = () => {
	state.textContent = source.readyState === EventSource.CLOSED
		? 'Not live. Load this page again to see more.'
		: 'The connection is interrupted. Your browser tries again.'
}
source.onmessage = event => {
	const box = document.createElement('template')
	box.innerHTML = event.data // the server has made it with the page's own template, which escapes
	const visit = box.content.firstElementChild
	const shown = document.getElementById(visit.id)
	if (shown) shown.replaceWith(visit)
	else list.prepend(visit)
	while (list.children.length > most) list.lastElementChild.remove()
	loadSoon()
}
source.addEventListener('look', () => loadSoon()) // another browser has ended a session

// A link or a button of this page was clicked. The response may take a while. If this page
// were loaded again meanwhile, the browser would drop that response.
let leaving = false
addEventListener('beforeunload', () => { leaving = true })

// Loads what the browser and the server have now, when the browser has the cookies of the
// newest response. If it fails, the next event tries again.
let timer, newest = 0
const loadSoon = () => {
	clearTimeout(timer)
	timer = setTimeout(() => loadSides().catch(() => {}), 300)
}
const loadSides = async () => {
	const number = ++newest
	const response = await fetch(list.dataset.now)
	if (!response.ok) return
	const box = document.createElement('template')
	box.innerHTML = await response.text()
	if (leaving || number !== newest) return // a newer response shows more
	for (const side of [...box.content.children]) {
		const shown = document.getElementById(side.id)
		if (side.dataset.user !== shown.dataset.user) return location.reload() // the menu changes too
		const open = [...shown.querySelectorAll('details')].map(details => details.open)
		side.querySelectorAll('details').forEach((details, i) => { details.open = open[i] })
		const focused = [...shown.querySelectorAll('summary')].indexOf(document.activeElement)
		shown.replaceWith(side)
		side.querySelectorAll('summary')[focused]?.focus({ preventScroll: true })
	}
	bars = findBars()
}

// The bars of the ends of the sessions run down.
const findBars = () => [...document.querySelectorAll('meter')].map(bar => ({
	bar,
	left: bar.parentElement.querySelector('time'),
	end: Date.now() + bar.value * 1000,
}))
let bars = findBars()
const inWords = seconds => {
	const days = Math.round(seconds / 86400)
	if (days > 1) return `${days} days`
	const hours = Math.floor(seconds / 3600), minutes = Math.floor(seconds / 60)
	return (hours ? `${hours}h` : '') + (minutes ? `${minutes % 60}m` : '') + `${seconds % 60}s`
}
setInterval(() => {
	for (const { bar, left, end } of bars) {
		const seconds = Math.max(0, Math.round((end - Date.now()) / 1000))
		bar.value = seconds
		left.textContent = inWords(seconds)
	}
}, 1000)

// The backend that the visitor has taken down is up again.
const down = document.getElementById('down')
if (down) {
	const until = Date.now() + down.querySelector('b').textContent * 1000
	const countdown = setInterval(() => {
		const seconds = Math.ceil((until - Date.now()) / 1000)
		down.querySelector('b').textContent = Math.max(0, seconds)
		if (seconds > 0) return
		clearInterval(countdown)
		down.textContent = 'The backend is up again.'
	}, 1000)
}
