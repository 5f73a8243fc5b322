// Adds each new note to the list, as text: what people write is never HTML.
const list = document.getElementById('notes')
const source = new EventSource(list.dataset.live)
source.onmessage = event => {
	const note = JSON.parse(event.data)
	const text = document.createElement('p')
	text.textContent = note.text
	const author = document.createElement('p')
	author.className = 'quiet'
	author.textContent = note.author
	const item = document.createElement('li')
	const box = document.createElement('div')
	box.append(text, author)
	item.append(box)
	document.getElementById('none')?.remove()
	list.prepend(item)
}
