package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// Every page fits into every window, in both colours, and writes nothing to the console.
func TestPagesFit(t *testing.T) {
	d := start(t)
	stranger, admin := open(t, d), open(t, d)
	admin.visit("/login?next=/cart")
	admin.submit(".primary", "name", "admin", "password", d.password)
	second := open(t, d) // so that /account has a session to end
	second.visit("/login")
	second.submit(".primary", "name", "admin", "password", d.password)
	for range 2 {
		admin.load(chromedp.Click(chromedp.CSS(".products li:nth-child(2) button")))
		admin.load(chromedp.Click(chromedp.CSS(".products button")))
	}
	pages := []struct {
		browser *browser
		path    string
	}{
		{stranger, "/"}, {stranger, "/login"}, {stranger, "/signup"}, {stranger, "/nowhere"}, {stranger, "/forgot"}, {stranger, "/sent"}, {stranger, "/reset?t=x"}, {stranger, "/outbox"},
		{admin, "/"}, {admin, "/cart"}, {admin, "/account"}, {admin, "/confirm"}, {admin, "/admin?name=admin"},
	}
	for _, page := range pages {
		b := page.browser
		b.visit(page.path)
		who := "stranger"
		if b == admin {
			who = "admin"
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(page.path, "/"), "?")
		for _, width := range []int64{1280, 768, 390, 360, 320} {
			for _, scheme := range []string{"light", "dark"} {
				b.look(width, scheme)
				b.fits()
				if width == 1280 || width == 390 {
					b.picture(fmt.Sprintf("%s-%s-%d-%s", who, name, width, scheme))
				}
			}
		}
	}
	admin.quiet(false)
	stranger.quiet(true)
}

// Text has the contrast that WCAG 2.2 asks for (1.4.3, level AA) in both colours.
func TestContrast(t *testing.T) {
	d := start(t)
	b := open(t, d)
	for _, scheme := range []string{"light", "dark"} {
		b.look(1280, scheme)
		for _, path := range []string{"/", "/login?out=1", "/cart", "/nowhere", "/forgot", "/sent", "/reset?t=x"} {
			b.visit(path)
			for _, poor := range run(b, chromedp.Evaluate[[]string](poorContrast)) {
				t.Errorf("%s, %s: %s", path, scheme, poor)
			}
		}
	}
}

// poorContrast lists the elements with text of their own whose contrast to what is
// behind them is less than 4.5, or than 3 for large text.
const poorContrast = `(() => {
	const rgb = c => { const m = c.match(/[\d.]+/g).map(Number); return {c: m.slice(0, 3), a: m.length > 3 ? m[3] : 1} }
	const light = c => { const [r, g, b] = c.map(v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b }
	const behind = e => { for (; e; e = e.parentElement) { const b = rgb(getComputedStyle(e).backgroundColor); if (b.a == 1) return b.c } return [255, 255, 255] }
	const poor = []
	for (const e of document.body.querySelectorAll('*')) {
		if (![...e.childNodes].some(n => n.nodeType == 3 && n.data.trim()) || e.closest('.unseen, .skip')) continue
		const style = getComputedStyle(e), size = parseFloat(style.fontSize)
		const [a, b] = [light(rgb(style.color).c), light(behind(e))].sort((x, y) => y - x)
		const ratio = (a + .05) / (b + .05)
		if (ratio < (size >= 24 || size >= 18.66 && style.fontWeight >= 700 ? 3 : 4.5)) poor.push(e.tagName + ' "' + e.textContent.trim().slice(0, 30) + '" ' + ratio.toFixed(2))
	}
	return poor
})()`
